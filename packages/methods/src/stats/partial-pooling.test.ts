import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { betweenVariance } from './between-variance.ts'
import golden from './estimates-golden.json' with { type: 'json' }
import { partialPooling } from './partial-pooling.ts'

test('the between-slice variance is Paule and Mandel’s as statsmodels has it', () => {
  for (const { estimates, variances, betweenVariance: expected } of golden.partialPooling) {
    expect(betweenVariance(estimates, variances)).toBeCloseTo(expected, 6)
  }
})

test('shrunk estimates and intervals are those of numeric integration by scipy', () => {
  for (const { estimates, variances, slices: expected } of golden.partialPooling) {
    // So many items that their variances stand as they are.
    const slices = estimates.map((estimate, i) => {
      return { name: `${i}`, estimate, variance: variances[i]!, n: 1e12 }
    })
    const pooled = partialPooling(slices)
    for (const [i, { estimate, low, high }] of pooled.slices.entries()) {
      // The grid's steps against an adaptive integral, in units of a standard error of 9 to 18.
      expect(Math.abs(estimate - expected[i]![0]!)).toBeLessThan(0.05)
      expect(Math.abs(low - expected[i]![1]!)).toBeLessThan(0.1)
      expect(Math.abs(high - expected[i]![2]!)).toBeLessThan(0.1)
    }
  }
})

test('estimates move towards the whole, less where more is known, and shifting all shifts all', () => {
  const slice = fc.record({
    estimate: fc.double({ min: -1, max: 1, noNaN: true }),
    variance: fc.double({ min: 0.001, max: 0.1, noNaN: true }),
    n: fc.integer({ min: 5, max: 500 }),
  })
  fc.assert(
    fc.property(fc.array(slice, { minLength: 2, maxLength: 6 }), (list) => {
      const slices = list.map((one, i) => ({ name: `${i}`, ...one }))
      const { whole, slices: pooled, betweenVariance: between } = partialPooling(slices)
      expect(between).toBeGreaterThanOrEqual(0)
      const [least, most] = [
        Math.min(...list.map(({ estimate }) => estimate)),
        Math.max(...list.map(({ estimate }) => estimate)),
      ]
      for (const { estimate, low, high } of [whole, ...pooled]) {
        expect(estimate).toBeGreaterThanOrEqual(least - 1e-9)
        expect(estimate).toBeLessThanOrEqual(most + 1e-9)
        expect(low).toBeLessThan(estimate)
        expect(high).toBeGreaterThan(estimate)
      }
      const moved = partialPooling(slices.map((one) => ({ ...one, estimate: one.estimate + 3 })))
      for (const [i, { low }] of moved.slices.entries()) expect(low).toBeCloseTo(pooled[i]!.low + 3, 6)
    }),
    { numRuns: 15 },
  )
})

test('intervals of four slices cover, whether the slices differ or not', () => {
  const count = 4
  const random = new Random(71)
  for (const tau of [0, 0.05]) {
    let [covered, all] = [0, 0]
    for (let round = 0; round < 50; round++) {
      const truths = Array.from({ length: count }, () => tau * random.normal())
      const slices = truths.map((truth, i) => {
        const items = Array.from({ length: 60 }, () => truth + 0.4 * random.normal())
        const estimate = items.reduce((sum, item) => sum + item) / 60
        const squares = items.reduce((sum, item) => sum + (item - estimate) ** 2, 0)
        return { name: `${i}`, estimate, variance: squares / 59 / 60, n: 60 }
      })
      for (const [i, { low, high }] of partialPooling(slices).slices.entries()) {
        all++
        if (low <= truths[i]! && truths[i]! <= high) covered++
      }
    }
    expect(covered / all).toBeGreaterThan(0.9)
  }
})

test('a few items that all agree do not claim certainty', () => {
  const slices = [
    { name: 'large', estimate: 0.1, variance: 0.09 / 200, n: 200 },
    { name: 'small', estimate: 0, variance: 0, n: 5 },
  ]
  const { slices: pooled, whole } = partialPooling(slices)
  expect(pooled[1]!.high - pooled[1]!.low).toBeGreaterThan(pooled[0]!.high - pooled[0]!.low)
  expect(whole.estimate).toBeGreaterThan(0.07)
})

test('one slice stays as it is, no spread has no width, and values that cannot be are refused', () => {
  const one = { name: 'a', estimate: 0.2, variance: 0.01, n: 1e9 }
  const { slices, betweenVariance: between } = partialPooling([one])
  expect(between).toBe(0)
  expect(slices[0]!.estimate).toBeCloseTo(0.2, 12)
  expect(slices[0]!.high).toBeCloseTo(0.2 + 1.959964 * 0.1, 6)
  const still = { name: 'b', estimate: 0, variance: 0, n: 8 }
  expect(partialPooling([still, { ...still, name: 'c' }]).slices[1]).toMatchObject({ low: 0, high: 0 })
  expect(() => partialPooling([])).toThrow(RangeError)
  expect(() => partialPooling([{ ...one, variance: -1 }])).toThrow(/Slice a/)
})

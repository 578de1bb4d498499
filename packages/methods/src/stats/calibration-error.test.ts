import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { calibrationError } from './calibration-error.ts'
import golden from './estimates-golden.json' with { type: 'json' }

const { probabilities, correct } = golden.calibration

test('the debiased error is that of the authors’ package, the plain one that of scikit-learn’s bins', () => {
  const { root, expected, bins } = calibrationError(probabilities, correct, 15)
  expect(root).toBeCloseTo(golden.calibration.root, 9)
  expect(expected).toBeCloseTo(golden.calibration.expected, 9)
  expect(bins.map(({ n }) => n)).toEqual(Array(15).fill(20))
  const biased = bins.reduce((sum, bin) => sum + (bin.n / 300) * (bin.probability - bin.correct) ** 2, 0)
  expect(Math.sqrt(biased)).toBeCloseTo(golden.calibration.plainRoot, 9)
})

test('for calibrated probabilities the debiased square is 0 on average and the plain errors are not', () => {
  const random = new Random(3)
  let [squared, expected] = [0, 0]
  const rounds = 300
  for (let round = 0; round < rounds; round++) {
    const forecasts = Array.from({ length: 200 }, () => random.uniform())
    const outcomes = forecasts.map((p) => random.uniform() < p)
    const error = calibrationError(forecasts, outcomes, 15)
    squared += error.squared / rounds
    expected += error.expected / rounds
  }
  expect(Math.abs(squared)).toBeLessThan(0.0012)
  expect(expected).toBeGreaterThan(0.08)
})

test('the order of the items does not matter, bins hold two or more, and equal probabilities share one', () => {
  const probability = fc.oneof(fc.constantFrom(0, 0.5, 0.9, 1), fc.double({ min: 0, max: 1, noNaN: true }))
  const items = fc.array(fc.tuple(probability, fc.boolean()), { minLength: 2, maxLength: 60 })
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 20 }), fc.integer(), (pairs, count, seed) => {
      const errorOf = (list: readonly [number, boolean][]) =>
        calibrationError(
          list.map(([p]) => p),
          list.map(([, right]) => right),
          count,
        )
      const error = errorOf(pairs)
      const shuffled = errorOf(new Random(seed).shuffle(pairs))
      expect(shuffled.squared).toBeCloseTo(error.squared, 12)
      expect(shuffled.expected).toBeCloseTo(error.expected, 12)
      expect(error.bins.length).toBeLessThanOrEqual(count)
      expect(error.bins.every(({ n }) => n >= 2)).toBe(true)
      expect(error.bins.reduce((sum, { n }) => sum + n, 0)).toBe(pairs.length)
      expect(error.expected).toBeLessThanOrEqual(1)
    }),
  )
  expect(calibrationError(Array(50).fill(0.9), Array(50).fill(true)).bins).toHaveLength(1)
})

test('what is no forecast is refused', () => {
  expect(() => calibrationError([0.5], [true])).toThrow(/at least 2/)
  expect(() => calibrationError([0.5, 1.2], [true, false])).toThrow(/1.2/)
  expect(() => calibrationError([0.5, 0.2], [true])).toThrow(/2 probabilities and 1 outcomes/)
})

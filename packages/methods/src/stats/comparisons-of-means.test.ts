import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import golden from './comparisons-golden.json' with { type: 'json' }
import { equivalenceOfMeans, nonInferiorityOfMeans, superiorityOfMeans } from './comparisons-of-means.ts'
import { studentizedBootstrap } from './studentized-bootstrap.ts'

// numpy with 400,000 resamples, and Student's quantile of scipy.
test.each(golden.bootstrapT)(
  'the bounds are those of an independent computation',
  ({ values, alpha, low, high }) => {
    const interval = studentizedBootstrap(values, { seed: 3, alpha, resamples: 40_000 })
    expect(Math.abs(interval.low - low)).toBeLessThan(0.004)
    expect(Math.abs(interval.high / high - 1)).toBeLessThan(0.05)
  },
)

test('three questions about one mean', () => {
  const random = new Random(4)
  const differences = Array.from({ length: 200 }, () => 0.02 + 0.1 * random.normal())
  const options = { seed: 1, resamples: 500 }
  expect(superiorityOfMeans(differences, options).outcome).toBe('pass')
  expect(nonInferiorityOfMeans(differences, 0.01, options).outcome).toBe('pass')
  expect(equivalenceOfMeans(differences, 0.05, options).outcome).toBe('pass')
  expect(equivalenceOfMeans(differences, 0.02, options).outcome).toBe('cannot-tell')
  const worse = differences.map((difference) => -difference)
  expect(superiorityOfMeans(worse, options).outcome).toBe('fail')
  expect(nonInferiorityOfMeans(worse, 0.001, options).outcome).toBe('fail')
  expect(equivalenceOfMeans(worse, 0.001, options).outcome).toBe('fail')
})

test('items of one conversation count as one: copies add no certainty', () => {
  const random = new Random(6)
  const single = Array.from({ length: 40 }, () => random.normal())
  const copies = single.flatMap((value) => [value, value, value])
  const clusters = single.flatMap((_, i) => [i, i, i])
  const alone = studentizedBootstrap(single, { seed: 2, resamples: 500 })
  const clustered = studentizedBootstrap(copies, { seed: 2, resamples: 500, clusters })
  expect(clustered.low).toBeCloseTo(alone.low, 10)
  expect(clustered.high).toBeCloseTo(alone.high, 10)
  const naive = studentizedBootstrap(copies, { seed: 2, resamples: 500 })
  expect(naive.high - naive.low).toBeLessThan(0.7 * (alone.high - alone.low))
})

test('a mean at the margin passes with about probability alpha, also with mostly equal answers', () => {
  // Mostly small differences and some large ones: 15 % of such samples of 30 items pass by BCa bounds.
  const random = new Random(12)
  let passed = 0
  for (let trial = 0; trial < 400; trial++) {
    const differences = Array.from(
      { length: 30 },
      () => -0.2 + random.normal() * (random.uniform() < 0.1 ? 3 : 0.1),
    )
    if (nonInferiorityOfMeans(differences, 0.2, { seed: trial, resamples: 200 }).outcome === 'pass') passed++
  }
  // 29 of 400 would be two standard errors above 5 %.
  expect(passed).toBeLessThan(29)
})

test('differences without variance cannot tell', () => {
  const decision = nonInferiorityOfMeans([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 0.5, { seed: 1 })
  expect(decision).toMatchObject({ outcome: 'cannot-tell', low: -Infinity, high: Infinity })
  expect(() => nonInferiorityOfMeans([1, 2], 0, { seed: 1 })).toThrow(/margin/)
  expect(() => superiorityOfMeans([1], { seed: 1 })).toThrow(/at least 2/)
  expect(() => superiorityOfMeans([1, 2], { seed: 1, clusters: ['a'] })).toThrow(/clusters/)
})

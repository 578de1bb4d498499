import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import golden from './estimates-golden.json' with { type: 'json' }
import { pairedBootstrap } from './paired-bootstrap.ts'

const differences = [
  0.12, -0.05, 0.31, 0.02, 0.44, -0.11, 0.08, 0.95, 0.27, -0.2, 0.15, 0.03, 0.61, 0.0, -0.07, 0.22, 1.4, 0.05,
  -0.3, 0.18,
]

// scipy 1.17.1: scipy.stats.bootstrap((x,), np.mean, method='BCa', n_resamples=1_000_000). The plain percentile
// interval ends at 0.390 and 0.358, so these limits check the corrections.
test.each([
  [0.95, 0.0715, 0.433],
  [0.9, 0.0895, 0.3905],
])('a skewed sample has the interval of scipy at level %f', (level, low, high) => {
  const interval = pairedBootstrap(differences, { seed: 3, resamples: 100_000, level })
  expect(interval.estimate).toBeCloseTo(0.205, 12)
  expect(Math.abs(interval.low - low)).toBeLessThan(0.004)
  expect(Math.abs(interval.high - high)).toBeLessThan(0.006)
})

test('the seed decides the interval', () => {
  const once = pairedBootstrap(differences, { seed: 7, resamples: 500 })
  expect(pairedBootstrap(differences, { seed: 7, resamples: 500 })).toEqual(once)
  expect(pairedBootstrap(differences, { seed: 8, resamples: 500 })).not.toEqual(once)
})

test('mirrored differences give about the mirrored interval', () => {
  const options = { seed: 1, resamples: 20_000 }
  const mirrored = pairedBootstrap(
    differences.map((difference) => -difference),
    options,
  )
  const interval = pairedBootstrap(differences, options)
  expect(mirrored.low).toBeCloseTo(-interval.high, 2)
  expect(mirrored.high).toBeCloseTo(-interval.low, 2)
})

test('equal differences have no width, and one difference is refused', () => {
  expect(pairedBootstrap([0.5, 0.5, 0.5], { seed: 1 })).toMatchObject({ estimate: 0.5, low: 0.5, high: 0.5 })
  expect(() => pairedBootstrap([0.5], { seed: 1 })).toThrow(/at least 2/)
  expect(() => pairedBootstrap([0.5, Number.NaN], { seed: 1 })).toThrow(/finite/)
})

test('items of one cluster are drawn together, with the interval of scipy for a ratio of sums', () => {
  const { differences, clusters, interval } = golden.clusterBootstrap
  const { low, high } = pairedBootstrap(differences, { seed: 9, resamples: 10_000, clusters })
  // The interval is 0.26 wide; of single items it would be 0.15.
  expect(Math.abs(low - interval[0]!)).toBeLessThan(0.006)
  expect(Math.abs(high - interval[1]!)).toBeLessThan(0.006)
  const single = pairedBootstrap(differences, { seed: 9, resamples: 2000 })
  expect(single.high - single.low).toBeLessThan(0.7 * (high - low))
})

test('clusters of one item each change nothing, whatever they are called', () => {
  const options = { seed: 4, resamples: 500 }
  const clusters = differences.map((_, i) => (i % 2 ? i : `item ${i}`))
  expect(pairedBootstrap(differences, { ...options, clusters })).toEqual(
    pairedBootstrap(differences, options),
  )
})

test('where items depend on their user, the interval over users covers and the usual one over items does not', () => {
  const random = new Random(21)
  const rounds = 100
  const covered = { users: 0, items: 0 }
  const clusters = Array.from({ length: 200 }, (_, i) => i % 40)
  for (let round = 0; round < rounds; round++) {
    const ofUser = Array.from({ length: 40 }, () => random.normal())
    const values = clusters.map((user) => ofUser[user]! + random.normal())
    const { estimate, low, high } = pairedBootstrap(values, { seed: round, resamples: 200, clusters })
    if (low <= 0 && high >= 0) covered.users++
    const squares = values.reduce((sum, value) => sum + (value - estimate) ** 2, 0)
    if (Math.abs(estimate) <= 1.96 * Math.sqrt(squares / 199 / 200)) covered.items++
  }
  expect(covered.users / rounds).toBeGreaterThan(0.88)
  expect(covered.items / rounds).toBeLessThan(0.8)
})

test('clusters must fit the items, be two at least, and differ for an interval with width', () => {
  const options = { seed: 1, resamples: 100 }
  expect(() => pairedBootstrap([1, 2], { ...options, clusters: ['a'] })).toThrow(
    /2 differences and 1 clusters/,
  )
  expect(() => pairedBootstrap([1, 2], { ...options, clusters: ['a', 'a'] })).toThrow(/clusters/)
  const alike = pairedBootstrap([0.1, 0.3, 0.3, 0.1], { ...options, clusters: ['a', 'a', 'b', 'b'] })
  expect(alike.low).toBe(alike.high)
})

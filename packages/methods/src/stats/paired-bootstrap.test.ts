import { expect, test } from 'vitest'
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

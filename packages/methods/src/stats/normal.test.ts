import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalCdf, normalQuantile } from './normal.ts'

// Golden values: scipy 1.17.1, scipy.stats.norm.cdf and .ppf.
const probabilities: [number, number][] = [
  [-20, 2.7536241186061556e-89],
  [-8, 6.22096057427174e-16],
  [-5, 2.866515718791933e-7],
  [-3, 0.0013498980316300933],
  [-2.1, 0.017864420562816542],
  [-2, 0.022750131948179195],
  [-1.9, 0.028716559816001803],
  [-0.5, 0.3085375387259869],
  [0, 0.5],
  [0.3, 0.6179114221889526],
  [1.96, 0.9750021048517795],
  [2.5, 0.9937903346742238],
  [6, 0.9999999990134123],
]
const quantiles: [number, number][] = [
  [1e-300, -37.0470962993612],
  [1e-20, -9.262340089798409],
  [1e-9, -5.9978070150076865],
  [0.001, -3.090232306167813],
  [0.025, -1.9599639845400545],
  [0.05, -1.6448536269514729],
  [0.2, -0.8416212335729142],
  [0.5, 0],
  [0.8, 0.8416212335729143],
  [0.975, 1.959963984540054],
]

test.each(probabilities)('the probability below %f is that of scipy', (z, expected) => {
  expect(Math.abs(normalCdf(z) / expected - 1)).toBeLessThan(1e-13)
})

test.each(quantiles)('the quantile at %f is that of scipy', (p, expected) => {
  expect(Math.abs(normalQuantile(p) - expected)).toBeLessThan(1e-13 * Math.max(1, Math.abs(expected)))
})

test('the quantile inverts the probability', () => {
  fc.assert(
    fc.property(fc.double({ min: -8, max: 5, noNaN: true }), (z) => {
      expect(normalQuantile(normalCdf(z))).toBeCloseTo(z, 9)
    }),
    { numRuns: 1000 },
  )
})

test('the probability never falls as z rises, across the seams of the formulas too', () => {
  for (let z = -3; z < 3; z += 0.001) expect(normalCdf(z + 0.001)).toBeGreaterThan(normalCdf(z))
  expect(normalCdf(-50)).toBe(0)
  expect(normalCdf(50)).toBe(1)
})

test.each([0, 1, -1, Number.NaN])('%f has no quantile', (p) => {
  expect(() => normalQuantile(p)).toThrow(RangeError)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wilsonInterval } from './wilson.ts'

// Golden values: statsmodels 0.15.0, proportion_confint(successes, n, alpha, method='wilson').
test.each([
  [0, 10, 0.95, 0, 0.2775327998628892],
  [10, 10, 0.95, 0.7224672001371107, 1],
  [7, 20, 0.95, 0.18119182410108206, 0.5671457233147638],
  [1817, 3080, 0.95, 0.57246344234794, 0.6071826281124584],
  [81, 263, 0.9, 0.2633136171884814, 0.35656634960848815],
  [150, 150, 0.95, 0.9750297556319235, 1],
])('%i of %i at level %f has the limits of statsmodels', (successes, n, level, low, high) => {
  const interval = wilsonInterval(successes, n, level)
  expect(interval.low).toBeCloseTo(low, 13)
  expect(interval.high).toBeCloseTo(high, 13)
  expect(interval).toMatchObject({ estimate: successes / n, level })
})

test('the interval holds the estimate, stays within 0 and 1, and mirrors with failures', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const successes = Math.round(n * share)
      const { low, high, estimate } = wilsonInterval(successes, n)
      expect(low).toBeGreaterThanOrEqual(0)
      expect(high).toBeLessThanOrEqual(1)
      expect(low).toBeLessThanOrEqual(estimate)
      expect(high).toBeGreaterThanOrEqual(estimate)
      expect(wilsonInterval(n - successes, n).high).toBeCloseTo(1 - low, 12)
    }),
  )
})

test('impossible counts are refused', () => {
  expect(() => wilsonInterval(0, 0)).toThrow(/at least 1/)
  expect(() => wilsonInterval(3, 2)).toThrow(/3 successes in 2/)
  expect(() => wilsonInterval(1, 2, 95)).toThrow(/confidence level/)
})

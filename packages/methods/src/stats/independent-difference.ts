import type { Interval } from './interval.ts'
import { wilsonInterval } from './wilson.ts'

/**
 * Gives the difference of two proportions of independent samples, a − b, with a hybrid score interval.
 * Throws a RangeError unless both have 0 <= right <= n and n >= 1.
 * Source: Newcombe 1998, "Interval Estimation for the Difference Between Independent Proportions", method 10.
 */
export function independentDifference(
  a: { right: number; n: number },
  b: { right: number; n: number },
  level = 0.95,
): Interval {
  const first = wilsonInterval(a.right, a.n, level)
  const second = wilsonInterval(b.right, b.n, level)
  const estimate = first.estimate - second.estimate
  return {
    estimate,
    low: estimate - Math.hypot(first.estimate - first.low, second.high - second.estimate),
    high: estimate + Math.hypot(first.high - first.estimate, second.estimate - second.low),
    level,
  }
}

import type { Interval } from './interval.ts'
import { wilsonInterval } from './wilson.ts'

/**
 * Gives the difference of two proportions of different items, first minus second, with a score interval.
 * Throws a RangeError unless both have items.
 * Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
 */
export function proportionDifference(
  first: { successes: number; n: number },
  second: { successes: number; n: number },
  level = 0.95,
): Interval {
  const a = wilsonInterval(first.successes, first.n, level)
  const b = wilsonInterval(second.successes, second.n, level)
  const estimate = a.estimate - b.estimate
  return {
    estimate,
    low: estimate - Math.hypot(a.estimate - a.low, b.high - b.estimate),
    high: estimate + Math.hypot(a.high - a.estimate, b.estimate - b.low),
    level,
  }
}

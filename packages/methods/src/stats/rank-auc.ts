import type { Interval } from './interval.ts'
import { midranks } from './midranks.ts'
import { normalQuantile } from './normal.ts'

/**
 * Gives the probability that a positive case has a higher score than a negative one, ties counting half.
 * Throws a RangeError without cases of both kinds.
 * Source: Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating characteristic curve".
 */
export function rankAuc(scores: readonly number[], positive: readonly boolean[], level = 0.95): Interval {
  const positives = positive.filter(Boolean).length
  const negatives = scores.length - positives
  if (positives === 0 || negatives === 0)
    throw new RangeError('An area under the curve needs cases of both kinds.')
  const rankSum = midranks(scores).reduce((sum, rank, i) => sum + (positive[i] ? rank : 0), 0)
  const estimate = (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
  const both = estimate / (2 - estimate)
  const either = (2 * estimate ** 2) / (1 + estimate)
  const variance =
    estimate * (1 - estimate) +
    (positives - 1) * (both - estimate ** 2) +
    (negatives - 1) * (either - estimate ** 2)
  const half = normalQuantile((1 + level) / 2) * Math.sqrt(Math.max(0, variance) / (positives * negatives))
  return { estimate, low: Math.max(0, estimate - half), high: Math.min(1, estimate + half), level }
}

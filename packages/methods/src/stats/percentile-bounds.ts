import { binomialTail } from './binomial.ts'
import { checkOneSided } from './decision.ts'
import { checkCount } from './interval.ts'
import { percentile } from './percentile.ts'

/** A percentile of a population; a bound is null where the values are too few for it. */
export interface PercentileBounds {
  estimate: number
  low: number | null
  high: number | null
}

/**
 * Gives a percentile (0 to 100, both excluded) with two bounds that are values of the sample, each one-sided at `alpha`, whatever the
 * distribution: the upper bound is the smallest value that lies below the true percentile with at most the probability
 * alpha. At 95 % and alpha 0.05 it takes 59 independent values. Throws a RangeError for an empty list.
 * Source: Thompson 1936, "On Confidence Ranges for the Median and Other Expectation Distributions"; Hahn and Meeker 1991,
 * "Statistical Intervals", section 5.2.
 */
export function percentileBounds(values: readonly number[], percent: number, alpha = 0.05): PercentileBounds {
  checkCount(values.length, 'values', 1)
  checkOneSided(alpha)
  if (!(percent > 0 && percent < 100))
    throw new RangeError(`A percentile must lie in 0 to 100, got ${percent}.`)
  const sorted = Float64Array.from(values).sort()
  const n = sorted.length
  const share = percent / 100
  // So many values or more lie below the percentile with at most the probability alpha.
  let rank = 0
  while (rank <= n && binomialTail(rank, n, share) > alpha) rank++
  let above = n
  while (above > 0 && 1 - binomialTail(above, n, share) > alpha) above--
  return {
    estimate: percentile(values, percent),
    low: above === 0 ? null : sorted[above - 1]!,
    high: rank > n ? null : sorted[rank - 1]!,
  }
}

/** Gives the smallest number of values at which the percentile has an upper bound. */
export function valuesForPercentile(percent: number, alpha = 0.05): number {
  checkOneSided(alpha)
  return Math.ceil(Math.log(alpha) / Math.log(percent / 100))
}

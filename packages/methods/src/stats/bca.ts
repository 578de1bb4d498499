import type { Interval } from './interval.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { percentile } from './percentile.ts'

/**
 * Reads an interval from bootstrap replicates of an estimate, corrected for bias and for skewness (BCa).
 * `acceleration` is a sixth of the skewness of the estimate's influence values, from the jackknife.
 * Source: Efron 1987, "Better Bootstrap Confidence Intervals".
 */
export function bcaInterval(
  estimate: number,
  replicates: Float64Array,
  acceleration: number,
  level: number,
): Interval {
  let rank = 0
  for (const value of replicates) rank += value < estimate ? 1 : value === estimate ? 0.5 : 0
  // Half a resample at the ends keeps the correction finite.
  const most = replicates.length - 0.5
  const bias = normalQuantile(Math.min(Math.max(rank, 0.5), most) / replicates.length)
  const bound = (probability: number): number => {
    const z = bias + normalQuantile(probability)
    return percentile(replicates, 100 * normalCdf(bias + z / (1 - acceleration * z)))
  }
  return { estimate, low: bound((1 - level) / 2), high: bound((1 + level) / 2), level }
}

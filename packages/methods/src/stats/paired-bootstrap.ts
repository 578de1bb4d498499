import { Random } from '../random.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'
import { normalCdf, normalQuantile } from './normal.ts'
import { percentile } from './percentile.ts'

export interface BootstrapOptions {
  seed: number | bigint
  /** Default 10,000. */
  resamples?: number
  /** Default 0.95. */
  level?: number
}

/**
 * Gives the mean of per-item score differences with a bootstrap interval, corrected for bias and skewness (BCa).
 *
 * The items are the units that are drawn again; they must be independent. Differences that are all equal
 * give an interval without width, which says nothing about unseen items: treat it as not enough data.
 * Throws a RangeError for fewer than two differences or one that is not finite.
 * Source: Efron 1987, "Better Bootstrap Confidence Intervals".
 */
export function pairedBootstrap(differences: readonly number[], options: BootstrapOptions): Interval {
  const { seed, resamples = 10_000, level = 0.95 } = options
  const n = differences.length
  checkCount(n, 'differences', 2)
  checkCount(resamples, 'resamples', 100)
  checkProbability(level, 'confidence level')
  if (!differences.every(Number.isFinite)) throw new RangeError('Every difference must be a finite number.')
  const estimate = mean(differences)
  if (differences.every((difference) => difference === differences[0])) {
    return { estimate, low: estimate, high: estimate, level }
  }
  const means = resampledMeans(differences, resamples, seed)

  let rank = 0
  for (const value of means) rank += value < estimate ? 1 : value === estimate ? 0.5 : 0
  // Half a resample at the ends keeps the correction finite.
  const bias = normalQuantile(Math.min(Math.max(rank, 0.5), resamples - 0.5) / resamples)
  const acceleration = jackknifeAcceleration(differences, estimate)
  const bound = (probability: number): number => {
    const z = bias + normalQuantile(probability)
    return percentile(means, 100 * normalCdf(bias + z / (1 - acceleration * z)))
  }
  return { estimate, low: bound((1 - level) / 2), high: bound((1 + level) / 2), level }
}

function resampledMeans(values: readonly number[], resamples: number, seed: number | bigint): Float64Array {
  const random = new Random(seed, 'paired-bootstrap')
  const n = values.length
  return Float64Array.from({ length: resamples }, () => {
    let sum = 0
    for (let draw = 0; draw < n; draw++) sum += values[random.integer(n)]!
    return sum / n
  })
}

/** Skewness of the jackknife means over 6; for a mean they are the values themselves, mirrored and shrunk. */
function jackknifeAcceleration(values: readonly number[], estimate: number): number {
  let squares = 0
  let cubes = 0
  for (const value of values) {
    const deviation = value - estimate
    squares += deviation ** 2
    cubes += deviation ** 3
  }
  return cubes / (6 * squares ** 1.5)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

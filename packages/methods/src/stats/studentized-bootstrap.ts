import { Random } from '../random.ts'
import { checkOneSided } from './decision.ts'
import { checkCount, type Interval } from './interval.ts'
import { studentQuantile } from './student.ts'
import { unitsOf } from './units.ts'

export interface MeanOptions {
  seed: number | bigint
  /** One-sided. Default 0.05. */
  alpha?: number
  /** Default 4,000. */
  resamples?: number
  /** For each difference the user, conversation or document it comes from. Default: each item is its own. */
  clusters?: readonly (string | number)[]
}

/**
 * Gives the mean of per-item differences with two bounds, each one-sided at `alpha`: on each side the wider one of
 * Student's t and of the bootstrap of t.
 *
 * Either alone errs too often with few items: Student's bound where the differences are skewed, the bootstrap's where most of
 * them are near 0. Whole clusters are drawn where they are named. A strongly skewed loss still makes the bounds too narrow below
 * about 100 items: values with known limits have a guaranteed bound in `confidenceSequence`. Differences that show no
 * variance, or too little to resample, have infinite bounds. Throws a RangeError for fewer than two differences or clusters, or
 * one that is not finite.
 * Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 12; Hall 1988, "Theoretical Comparison of
 * Bootstrap Confidence Intervals".
 */
export function studentizedBootstrap(differences: readonly number[], options: MeanOptions): Interval {
  const { seed, alpha = 0.05, resamples = 4_000, clusters } = options
  checkOneSided(alpha)
  checkCount(resamples, 'resamples', 100)
  const units = unitsOf(differences, clusters)
  const count = units.sums.length
  const estimate = total(units.sums) / total(units.sizes)
  const level = 1 - 2 * alpha
  const deviations = units.sums.map((sum, i) => sum - estimate * units.sizes[i]!)
  const { error } = summarize(deviations, units.sizes, (draw) => draw)
  // Equal differences of 0.1 do not add up to exactly their number times 0.1.
  if (error <= 1e-12 * Math.abs(estimate)) {
    return { estimate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, level }
  }

  const random = new Random(seed, 'studentized-bootstrap')
  const scores = Float64Array.from({ length: resamples }, () => {
    const { shift, error } = summarize(deviations, units.sizes, () => random.integer(count))
    // Without variance the score is infinite, or 0 if it is the mean itself that was drawn all the time.
    return error > 0 ? shift / error : shift === 0 ? 0 : shift * Number.POSITIVE_INFINITY
  }).sort()
  const rank = Math.ceil((1 - alpha) * (resamples + 1))
  const upper = scores[rank - 1] ?? Number.POSITIVE_INFINITY
  const lower = scores[resamples - rank] ?? Number.NEGATIVE_INFINITY
  const student = studentQuantile(1 - alpha, count - 1)
  return {
    estimate,
    low: estimate - Math.max(upper, student) * error,
    high: estimate - Math.min(lower, -student) * error,
    level,
  }
}

/** How far the mean of drawn units lies from that of all, and its standard error: that of a ratio where sizes differ. */
function summarize(
  deviations: Float64Array,
  sizes: Float64Array,
  drawn: (draw: number) => number,
): { shift: number; error: number } {
  const count = sizes.length
  let [sum, size, squares, products, squaredSizes] = [0, 0, 0, 0, 0]
  for (let draw = 0; draw < count; draw++) {
    const unit = drawn(draw)
    const deviation = deviations[unit]!
    const items = sizes[unit]!
    sum += deviation
    size += items
    squares += deviation * deviation
    products += deviation * items
    squaredSizes += items * items
  }
  const shift = sum / size
  const residual = squares - 2 * shift * products + shift * shift * squaredSizes
  // What the subtraction leaves of equal numbers is rounding.
  const error = residual > 1e-12 * squares ? Math.sqrt((residual * count) / (count - 1)) / size : 0
  return { shift, error }
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}

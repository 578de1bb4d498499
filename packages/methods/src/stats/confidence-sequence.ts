import { firstCrossing } from './betting.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'

export interface BoundedOptions {
  /** The values lie between `low` and `high`, by their nature and not by observation: -1 and 1 for differences of right and wrong. */
  low: number
  high: number
  /** Default 0.95. */
  level?: number
}

/**
 * Gives the mean of bounded values, in the order in which they came, with an interval that may be looked at after every
 * further value: with probability `level` it covers the true mean at all looks together, and it never grows again.
 *
 * It holds for every distribution within the bounds and every number of values. The price is about twice the values that a
 * single look needs. A change of the mean on the way may leave it empty (`low` above `high`). Throws a RangeError for a value
 * beyond the bounds or no value. Each bound alone errs with probability (1 − level) / 2.
 * Source: Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by betting".
 */
export function confidenceSequence(values: readonly number[], options: BoundedOptions): Interval {
  const { low, high, level = 0.95 } = options
  checkProbability(level, 'confidence level')
  checkBounded(values, low, high)
  const alpha = (1 - level) / 2
  const mirrored = Float64Array.from(values, (value) => -value)
  return {
    estimate: values.reduce((sum, value) => sum + value, 0) / values.length,
    low: lowerBound(values, low, high, alpha),
    high: -lowerBound(mirrored, -high, -low, alpha),
    level,
  }
}

/** The highest mean that bets against it have ever refuted. */
function lowerBound(values: ArrayLike<number>, least: number, most: number, alpha: number): number {
  let [low, high] = [least, most]
  while (high - low > 1e-9 * (most - least)) {
    const middle = (low + high) / 2
    if (firstCrossing(values, middle, least, alpha) === undefined) high = middle
    else low = middle
  }
  return low
}

/** Throws a RangeError unless there are values and all lie within the bounds. */
export function checkBounded(values: readonly number[], low: number, high: number): void {
  checkCount(values.length, 'values', 1)
  if (!(low < high && Number.isFinite(high - low))) {
    throw new RangeError(`The bounds of the values must be finite and in order, got ${low} and ${high}.`)
  }
  for (const value of values) {
    if (!(value >= low && value <= high)) {
      throw new RangeError(`A value of ${value} does not lie between ${low} and ${high}.`)
    }
  }
}

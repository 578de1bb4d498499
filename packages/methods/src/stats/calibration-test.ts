import { Random } from '../random.ts'
import {
  absoluteError,
  checkForecasts,
  equalMassBins,
  equalWidthBins,
  squaredError,
  sumBins,
} from './calibration-bins.ts'
import { checkCount, checkProbability } from './interval.ts'
import { percentile } from './percentile.ts'

export interface CalibrationTestOptions {
  seed: number | bigint
  /** Default 10,000. */
  resamples?: number
  /** Default 10†: more of them find less. */
  bins?: number
  /** Of the quantiles. Default 0.95. */
  level?: number
}

/** A statistic beside what it is for calibrated probabilities: below `quantile` with probability `level`. */
export interface StatisticUnderNull {
  observed: number
  quantile: number
  p: number
}

export interface CalibrationTest {
  /** Decides: the mean squared gap over bins of equal numbers. */
  squared: StatisticUnderNull
  /** Beside it, the plain ECE: its quantile says what a calibrated model of this many items may show. */
  expected: StatisticUnderNull
  level: number
}

/**
 * Tests whether the probabilities are calibrated: whether their errors are larger than those of outcomes that are drawn from
 * these very probabilities. Errors are not debiased here: what they are compared with has the same bias. The observed outcomes
 * count as one of the draws, so p is never 0. Outcomes must be independent.
 * Throws a RangeError for fewer than two items, lists of different lengths or a probability outside 0 to 1.
 * Source: Bröcker and Smith 2007, "Increasing the Reliability of Reliability Diagrams"; Vaicenavicius et al. 2019,
 * "Evaluating model calibration in classification".
 */
export function calibrationTest(
  probabilities: readonly number[],
  correct: readonly boolean[],
  options: CalibrationTestOptions,
): CalibrationTest {
  const { seed, resamples = 10_000, bins = 10, level = 0.95 } = options
  checkForecasts(probabilities, correct)
  checkCount(resamples, 'resamples', 100)
  checkCount(bins, 'bins', 1)
  checkProbability(level, 'confidence level')
  const mass = equalMassBins(probabilities, bins)
  const width = equalWidthBins(probabilities, bins)
  const massSums = sumBins(mass, probabilities, correct)
  const widthSums = sumBins(width, probabilities, correct)
  const observed = { squared: squaredError(massSums), expected: absoluteError(widthSums) }
  const squares = new Float64Array(resamples)
  const expected = new Float64Array(resamples)
  const random = new Random(seed, 'calibration-test')
  const thresholds = Float64Array.from(probabilities, (probability) => probability * 2 ** 32)
  for (let draw = 0; draw < resamples; draw++) {
    massSums.correct.fill(0)
    widthSums.correct.fill(0)
    for (let i = 0; i < thresholds.length; i++) {
      if (random.nextUint32() >= thresholds[i]!) continue
      massSums.correct[mass[i]!]! += 1
      widthSums.correct[width[i]!]! += 1
    }
    squares[draw] = squaredError(massSums)
    expected[draw] = absoluteError(widthSums)
  }
  return {
    squared: underNull(observed.squared, squares, level),
    expected: underNull(observed.expected, expected, level),
    level,
  }
}

function underNull(observed: number, draws: Float64Array, level: number): StatisticUnderNull {
  // Rounding must not tell equal errors apart.
  const threshold = observed - 1e-12
  let asLarge = 1
  for (const value of draws) if (value >= threshold) asLarge++
  return {
    observed,
    quantile: percentile(draws, 100 * level),
    p: asLarge / (draws.length + 1),
  }
}

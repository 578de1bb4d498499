import {
  absoluteError,
  checkForecasts,
  debiasedSquaredError,
  equalMassBins,
  equalWidthBins,
  sumBins,
} from './calibration-bins.ts'
import { checkCount } from './interval.ts'

export interface CalibrationError {
  /** Mean squared gap of probability and share of correct ones over bins of equal numbers, less its bias; may be below 0. */
  squared: number
  /** Its root, 0 where it is negative. */
  root: number
  /** The plain expected calibration error (ECE) over bins of equal width. Too high for few items: see `calibrationTest`. */
  expected: number
  /** The bins of equal numbers, for a reliability diagram. */
  bins: { n: number; probability: number; correct: number }[]
}

/**
 * Measures how far probabilities are from the share of times that they come true. `bins` is the number of bins, default 10†;
 * fewer where they would hold fewer than two items or items of one probability. Throws a RangeError for fewer than two items,
 * lists of different lengths or a probability outside 0 to 1.
 * Source: Kumar, Liang and Ma 2019, "Verified Uncertainty Calibration"; ECE: Naeini, Cooper and Hauskrecht 2015, Guo et
 * al. 2017.
 */
export function calibrationError(
  probabilities: readonly number[],
  correct: readonly boolean[],
  bins = 10,
): CalibrationError {
  checkForecasts(probabilities, correct)
  checkCount(bins, 'bins', 1)
  const sums = sumBins(equalMassBins(probabilities, bins), probabilities, correct)
  const squared = debiasedSquaredError(sums)
  return {
    squared,
    root: Math.sqrt(Math.max(0, squared)),
    expected: absoluteError(sumBins(equalWidthBins(probabilities, bins), probabilities, correct)),
    bins: Array.from(sums.sizes, (n, bin) => {
      return { n, probability: sums.forecasts[bin]! / n, correct: sums.correct[bin]! / n }
    }),
  }
}

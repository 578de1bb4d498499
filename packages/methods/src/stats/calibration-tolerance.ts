import { Random } from '../random.ts'
import { checkForecasts, debiasedSquaredError, equalMassBins, sumBins } from './calibration-bins.ts'
import { checkOneSided } from './decision.ts'
import { checkCount, checkProbability } from './interval.ts'
import { percentile } from './percentile.ts'

export interface ToleranceOptions {
  seed: number | bigint
  /** Default 2,000. */
  resamples?: number
  /** Default 15†. */
  bins?: number
}

/**
 * Tests whether probabilities are off by at least `tolerated` (root mean square gap, above 0 and at most 0.5): a small p shows that
 * they are off by less. Where `calibrationTest` asks whether calibration can be ruled out, this rules out a lack of it.
 *
 * p is the chance of a debiased squared error at most as large as the observed one when all true shares lie on one side of
 * the probabilities, at that distance; the larger of both sides. The same error in a few bins only has about the same distribution; gaps
 * that cancel within a bin are seen by no binned measure. Outcomes must be independent. Throws a RangeError like `calibrationTest`.
 */
export function calibrationTolerance(
  probabilities: readonly number[],
  correct: readonly boolean[],
  tolerated: number,
  options: ToleranceOptions,
): { p: number } {
  const { seed, resamples = 2000, bins = 15 } = options
  checkForecasts(probabilities, correct)
  checkTolerated(tolerated)
  checkCount(resamples, 'resamples', 100)
  checkCount(bins, 'bins', 1)
  const observed = debiasedSquaredError(sumBins(equalMassBins(probabilities, bins), probabilities, correct))
  const random = new Random(seed, 'calibration-tolerance')
  let p = 0
  for (const truth of shifted(probabilities, tolerated)) {
    const draws = errorsOf(probabilities, truth, { random, resamples, bins })
    const asSmall = draws.reduce((count, value) => (value <= observed + 1e-12 ? count + 1 : count), 1)
    p = Math.max(p, asSmall / (resamples + 1))
  }
  return { p }
}

const MOST_ITEMS = 32_768

/**
 * Gives about how many items with such probabilities it takes until a calibrated model is shown to be off by less than
 * `tolerated`, with power 0.8: by simulation, to a tenth, and never more than 32,768.
 */
export function itemsForCalibration(
  probabilities: readonly number[],
  tolerated: number,
  options: { seed: number | bigint; alpha?: number; power?: number; bins?: number },
): number {
  const { seed, alpha = 0.05, power = 0.8, bins = 15 } = options
  checkCount(probabilities.length, 'probabilities', 1)
  checkTolerated(tolerated)
  checkOneSided(alpha)
  checkProbability(power, 'power')
  const isEnough = (n: number) => {
    const random = new Random(seed, 'items-for-calibration')
    const drawn = Array.from({ length: n }, () => probabilities[random.integer(probabilities.length)]!)
    const how = { random, resamples: 200, bins }
    const calibrated = percentile(errorsOf(drawn, drawn, how), 100 * power)
    return shifted(drawn, tolerated).every(
      (truth) => percentile(errorsOf(drawn, truth, how), 100 * alpha) > calibrated,
    )
  }
  let high = 2 * bins
  while (high < MOST_ITEMS && !isEnough(high)) high *= 2
  if (high >= MOST_ITEMS) return MOST_ITEMS
  let low = high / 2
  while (high - low > high / 10) {
    const middle = Math.round((low + high) / 2)
    if (isEnough(middle)) high = middle
    else low = middle
  }
  return high
}

/** True shares at a root mean square distance below and above the probabilities; a side without so much room is left out. */
function shifted(probabilities: readonly number[], distance: number): number[][] {
  const sides = [-1, 1].flatMap((sign) => {
    const at = (shift: number) => probabilities.map((p) => Math.min(1, Math.max(0, p + sign * shift)))
    const gap = (truth: readonly number[]) =>
      Math.sqrt(truth.reduce((sum, p, i) => sum + (p - probabilities[i]!) ** 2, 0) / truth.length)
    if (gap(at(1)) < distance) return []
    let [low, high] = [0, 1]
    while (high - low > 1e-9) {
      const middle = (low + high) / 2
      if (gap(at(middle)) < distance) low = middle
      else high = middle
    }
    return [at(high)]
  })
  return sides
}

/** Debiased squared errors of outcomes that are drawn from the true shares. */
function errorsOf(
  probabilities: readonly number[],
  truth: readonly number[],
  { random, resamples, bins }: { random: Random; resamples: number; bins: number },
): Float64Array {
  const binOf = equalMassBins(probabilities, bins)
  const sums = sumBins(
    binOf,
    probabilities,
    probabilities.map(() => false),
  )
  const thresholds = Float64Array.from(truth, (share) => share * 2 ** 32)
  return Float64Array.from({ length: resamples }, () => {
    sums.correct.fill(0)
    for (let i = 0; i < thresholds.length; i++) {
      if (random.nextUint32() < thresholds[i]!) sums.correct[binOf[i]!]! += 1
    }
    return debiasedSquaredError(sums)
  })
}

function checkTolerated(tolerated: number): void {
  if (!(tolerated > 0 && tolerated <= 0.5)) {
    throw new RangeError(`The tolerated gap must be above 0 and at most 0.5, got ${tolerated}.`)
  }
}

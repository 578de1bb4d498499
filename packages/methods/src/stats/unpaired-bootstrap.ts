import { Random } from '../random.ts'
import { bcaInterval } from './bca.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'
import type { BootstrapOptions } from './paired-bootstrap.ts'

/**
 * Gives the mean of `a` minus the mean of `b`, two independent samples, with a bootstrap interval corrected for bias and
 * skewness (BCa). Each sample is drawn again on its own. Samples without any spread give an interval without width:
 * treat it as not enough data. Throws a RangeError for fewer than two values in a sample or one that is not finite.
 * Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 8 and 14.
 */
export function unpairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  options: BootstrapOptions,
): Interval {
  const { seed, resamples = 10_000, level = 0.95 } = options
  for (const sample of [a, b]) {
    checkCount(sample.length, 'values in a sample', 2)
    if (!sample.every(Number.isFinite)) throw new RangeError('Every value must be a finite number.')
  }
  checkCount(resamples, 'resamples', 100)
  checkProbability(level, 'confidence level')
  const estimate = mean(a) - mean(b)
  if ([a, b].every((sample) => sample.every((value) => value === sample[0]))) {
    return { estimate, low: estimate, high: estimate, level }
  }
  const random = new Random(seed, 'unpaired-bootstrap')
  const replicates = Float64Array.from(
    { length: resamples },
    () => resampledMean(a, random) - resampledMean(b, random),
  )
  const [first, second] = [influenceSums(a), influenceSums(b)]
  const acceleration = (first.cubes - second.cubes) / (6 * (first.squares + second.squares) ** 1.5)
  return bcaInterval(estimate, replicates, acceleration, level)
}

/** Sums of the powers of how far each value moves its sample's mean. */
function influenceSums(sample: readonly number[]): { squares: number; cubes: number } {
  const centre = mean(sample)
  let [squares, cubes] = [0, 0]
  for (const value of sample) {
    const influence = (value - centre) / sample.length
    squares += influence ** 2
    cubes += influence ** 3
  }
  return { squares, cubes }
}

function resampledMean(sample: readonly number[], random: Random): number {
  let sum = 0
  for (let draw = 0; draw < sample.length; draw++) sum += sample[random.integer(sample.length)]!
  return sum / sample.length
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

import { checkCount, checkProbability, type Interval } from './interval.ts'

export interface MixtureOptions {
  /** The number of values at which the interval should be narrowest for its kind; it holds at every other too. */
  plannedItems: number
  /** Default 0.95. */
  level?: number
}

/**
 * Gives the mean of values, in the order in which they came, with an interval that may be looked at after every further value:
 * for values without known bounds, such as differences of log-likelihoods.
 *
 * Exact at all looks together for normal values of unknown variance, since their mean over its standard error follows
 * a known law; for others it holds as the number of values grows, so start to look at some dozens. `confidenceSequence` needs no such
 * trust. Bounds are infinite until the values show a variance. Throws a RangeError without values.
 * Sources: Robbins 1970, "Statistical Methods Related to the Law of the Iterated Logarithm"; Lai 1976, "On Confidence
 * Sequences"; Wang and Ramdas 2023, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance".
 */
export function normalMixtureSequence(values: readonly number[], options: MixtureOptions): Interval {
  const { plannedItems, level = 0.95 } = options
  checkProbability(level, 'confidence level')
  const prior = priorOf(plannedItems, level)
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  let estimate = Number.NaN
  for (const { n, mean, squares } of runningMoments(values)) {
    estimate = mean
    const root = (((1 - level) ** 2 * prior) / (n + prior)) ** (1 / n)
    const room = root * (n + prior) - prior
    if (room <= 0 || !varies({ n, mean, squares })) continue
    const radius = Math.sqrt(((n + prior) * (1 - root) * (squares / n)) / room)
    low = Math.max(low, mean - radius)
    high = Math.min(high, mean + radius)
  }
  return { estimate, low, high, level }
}

/**
 * Tests whether the mean of values is 0, in the order in which they came, and may be asked again after every further value.
 *
 * `p` is at most alpha at any look with probability alpha if the mean is 0; `evidence` is the likelihood ratio at the last value
 * of a mixture of effects against none. `p` is 1 over the largest evidence so far. Assumptions as for `normalMixtureSequence`.
 * Sources: Robbins 1970; Johari, Koomen, Pekelis and Walsh 2022, "Always Valid Inference: Continuous Monitoring of A/B Tests";
 * unknown variance as in Wang and Ramdas 2023.
 */
export function mixtureSprt(
  values: readonly number[],
  options: MixtureOptions,
): { evidence: number; p: number } {
  const prior = priorOf(options.plannedItems, options.level ?? 0.95)
  let evidence = 1
  let largest = 1
  for (const { n, mean, squares } of runningMoments(values)) {
    if (!varies({ n, mean, squares })) continue
    const around = squares + n * mean * mean
    const explained = (n * mean) ** 2 / ((n + prior) * around)
    evidence = Math.exp(0.5 * Math.log(prior / (n + prior)) - (n / 2) * Math.log1p(-explained))
    largest = Math.max(largest, evidence)
  }
  return { evidence, p: 1 / largest }
}

/** Effects over their standard deviation are given the variance 1 / prior: the best one for the planned number of values. */
function priorOf(plannedItems: number, level: number): number {
  checkCount(plannedItems, 'planned items', 1)
  const surprise = -2 * Math.log(1 - level)
  return plannedItems / (surprise + Math.log1p(surprise))
}

interface Moments {
  n: number
  mean: number
  squares: number
}

/** Whether the values differ by more than rounding. */
function varies({ n, mean, squares }: Moments): boolean {
  return squares > 1e-24 * n * mean * mean
}

/** Number, mean and sum of squares around the mean after each value (Welford 1962). */
function* runningMoments(values: readonly number[]): Generator<Moments> {
  checkCount(values.length, 'values', 1)
  let [mean, squares] = [0, 0]
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value)) throw new RangeError('Every value must be a finite number.')
    const distance = value - mean
    mean += distance / (i + 1)
    squares += distance * (value - mean)
    yield { n: i + 1, mean, squares }
  }
}

import { normalQuantile } from '../stats/normal.ts'

/** Judged answers by what they are and whether they bear the signal; counts may be effective ones, so no whole numbers. */
export interface SignalCounts {
  /** Answers for which the claim holds, and those of them with the signal. */
  holds: number
  holdsWithSignal: number
  /** The others. */
  fails: number
  failsWithSignal: number
}

export interface RatingJudgement {
  outcome: 'pass' | 'fail' | 'cannot-tell'
  /** P(signal | claim holds) / P(signal | it does not), with one-sided bounds. */
  ratio: { estimate: number; low: number; high: number }
  /** Probability that the claim holds, given the signal, at the base rate. */
  probability: { estimate: number; low: number; high: number }
  /** With `cannot-tell`: judged answers that would settle it, at these figures. */
  needed?: number
}

export interface RatingOptions {
  /** How often the claim holds among all answers. */
  baseRate: number
  /** Probability that must be exceeded given the signal. Default 0.5. */
  threshold?: number
  /** Of the one-sided bounds. Default 0.95. */
  level?: number
}

/**
 * Decides whether a signal about single answers says what it claims: the likelihood ratio must lie above 1, and with the
 * base rate the claim must be more probable than the threshold; both by one-sided bounds.
 *
 * Bounds are of the logarithm, with half an answer added to each cell (Simel, Samsa and Matchar 1991, "Likelihood ratios
 * with confidence").
 */
export function judgeRating(counts: SignalCounts, options: RatingOptions): RatingJudgement {
  const { baseRate, threshold = 0.5, level = 0.95 } = options
  const [holdsWithSignal, failsWithSignal] = [counts.holdsWithSignal + 0.5, counts.failsWithSignal + 0.5]
  const [holds, fails] = [counts.holds + 1, counts.fails + 1]
  const logRatio = Math.log(holdsWithSignal / holds) - Math.log(failsWithSignal / fails)
  const error = Math.sqrt(1 / holdsWithSignal - 1 / holds + 1 / failsWithSignal - 1 / fails)
  const z = normalQuantile(level)
  const ratio = {
    estimate: Math.exp(logRatio),
    low: Math.exp(logRatio - z * error),
    high: Math.exp(logRatio + z * error),
  }
  const given = (value: number) => {
    const odds = (value * baseRate) / (1 - baseRate)
    return odds === Number.POSITIVE_INFINITY ? 1 : odds / (1 + odds)
  }
  const probability = { estimate: given(ratio.estimate), low: given(ratio.low), high: given(ratio.high) }
  const passes = ratio.low > 1 && probability.low > threshold
  const fails_ = ratio.high <= 1 || probability.high <= threshold
  const outcome = passes ? 'pass' : fails_ ? 'fail' : 'cannot-tell'
  if (outcome !== 'cannot-tell') return { outcome, ratio, probability }
  // The log ratio that has to be told from the observed one: the farther of 1 and what the threshold asks for.
  const wanted = Math.max(0, Math.log((threshold / (1 - threshold)) * ((1 - baseRate) / baseRate)))
  const n = counts.holds + counts.fails
  const distance = Math.abs(logRatio - wanted)
  const growth =
    distance === 0 ? Number.POSITIVE_INFINITY : (((z + normalQuantile(0.8)) * error) / distance) ** 2
  return { outcome, ratio, probability, needed: Math.min(MOST, Math.max(n + 1, Math.ceil((n + 2) * growth))) }
}

const MOST = 10_000

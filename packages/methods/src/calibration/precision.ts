import { binomialTail } from '../stats/binomial.ts'
import { clopperPearsonLower, clopperPearsonUpper } from '../stats/clopper-pearson.ts'
import { normalQuantile } from '../stats/normal.ts'

export interface PrecisionJudgement {
  outcome: 'pass' | 'fail' | 'cannot-tell'
  /** (right + ½)/(n + 1): the mean of what Jeffreys' prior leaves, which is never 0 or 1. */
  estimate: number
  /** One-sided bounds of the level. */
  low: number
  high: number
  /** With `cannot-tell`: judgements at which the estimate would settle it with 80 % power. */
  needed?: number
}

export interface PrecisionOptions {
  /** Precision that must be exceeded. */
  threshold: number
  /** Of the one-sided bounds. Default 0.95. */
  level?: number
}

/**
 * Decides whether a rule is right more often than a threshold: it passes when the one-sided lower bound of its precision
 * (Clopper and Pearson 1934) reaches the threshold, and fails when the upper one stays below.
 */
export function judgePrecision(right: number, n: number, options: PrecisionOptions): PrecisionJudgement {
  const { threshold, level = 0.95 } = options
  const estimate = (right + 0.5) / (n + 1)
  if (n === 0) {
    return {
      outcome: 'cannot-tell',
      estimate,
      low: 0,
      high: 1,
      needed: judgementsNeeded(0.9, threshold, level),
    }
  }
  const low = clopperPearsonLower(right, n, level)
  const high = clopperPearsonUpper(right, n, level)
  const outcome = clears(right, n, options) ? 'pass' : high < threshold ? 'fail' : 'cannot-tell'
  if (outcome !== 'cannot-tell') return { outcome, estimate, low, high }
  return {
    outcome,
    estimate,
    low,
    high,
    needed: Math.max(n + 1, judgementsNeeded(estimate, threshold, level)),
  }
}

/** Whether so many of n would be settled, either way. */
export function isSettled(right: number, n: number, options: PrecisionOptions): boolean {
  return n > 0 && (clears(right, n, options) || failsToClear(right, n, options))
}

/** The lower bound reaches the threshold exactly when a precision of the threshold makes so many improbable. */
function clears(right: number, n: number, { threshold, level = 0.95 }: PrecisionOptions): boolean {
  return binomialTail(right, n, threshold) <= 1 - level
}

function failsToClear(right: number, n: number, { threshold, level = 0.95 }: PrecisionOptions): boolean {
  return 1 - binomialTail(right + 1, n, threshold) < 1 - level
}

/** A rule at its threshold is never settled; the number is cut here. */
const MOST = 10_000

/** Normal approximation of a one-sided test of one proportion with 80 % power (Fleiss, Levin and Paik 2003, 2.4). */
function judgementsNeeded(precision: number, threshold: number, level: number): number {
  const difference = Math.abs(precision - threshold)
  if (difference < 1e-3) return MOST
  const underNull = normalQuantile(level) * Math.sqrt(threshold * (1 - threshold))
  const underTruth = normalQuantile(0.8) * Math.sqrt(precision * (1 - precision))
  return Math.min(MOST, Math.ceil(((underNull + underTruth) / difference) ** 2))
}

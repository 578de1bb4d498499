import { firstCrossing } from './betting.ts'
import { checkBounded, confidenceSequence } from './confidence-sequence.ts'
import { checkOneSided, type Decision } from './decision.ts'

export interface SequentialDecision extends Decision {
  /** How many items it took until the outcome was settled; undefined for cannot-tell. */
  settledAt: number | undefined
}

/**
 * Decides whether A is no worse than B by more than `margin`, and may be asked again after every further item.
 *
 * `differences` are A minus B for each item, from -1 to 1 (right and wrong: -1, 0, 1), in an order that was fixed before
 * the answers were known; later looks append items. A wrong `pass` ever happens with probability at most `alpha`, a wrong `fail` too,
 * however often and whenever one looks; once settled an outcome stays. Items must be independent: where users or
 * conversations bring several, give the mean of each. The bounds are one-sided at `alpha`, over all looks.
 * Sources: Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences";
 * bets of Waudby-Smith and Ramdas 2023.
 */
export function sequentialNonInferiority(
  differences: readonly number[],
  margin: number,
  alpha = 0.05,
): SequentialDecision {
  if (!(margin > 0 && margin < 1)) throw new RangeError(`The margin must lie between 0 and 1, got ${margin}.`)
  return decideAgainst(differences, -margin, alpha)
}

/** Decides whether A is better than B, and may be asked again after every further item, like `sequentialNonInferiority`. */
export function sequentialSuperiority(differences: readonly number[], alpha = 0.05): SequentialDecision {
  return decideAgainst(differences, 0, alpha)
}

/** Whether the mean lies above or below the limit: the first of the two that is shown counts. */
function decideAgainst(differences: readonly number[], limit: number, alpha: number): SequentialDecision {
  checkOneSided(alpha)
  checkBounded(differences, -1, 1)
  const mirrored = Float64Array.from(differences, (difference) => -difference)
  const above = firstCrossing(differences, limit, -1, alpha) ?? Number.POSITIVE_INFINITY
  const below = firstCrossing(mirrored, -limit, -1, alpha) ?? Number.POSITIVE_INFINITY
  const { estimate, low, high } = confidenceSequence(differences, { low: -1, high: 1, level: 1 - 2 * alpha })
  const outcome = above < below ? 'pass' : below < above ? 'fail' : 'cannot-tell'
  const settledAt = outcome === 'cannot-tell' ? undefined : Math.min(above, below)
  return { difference: estimate, low, high, outcome, settledAt }
}

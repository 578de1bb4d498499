import { checkProbability } from './interval.ts'
import { type PairedCounts, pairedDifference } from './paired-difference.ts'

export interface NonInferiority {
  /** Proportion of A minus proportion of B. */
  difference: number
  /** Bounds of the difference, each of them one-sided at `alpha`. */
  low: number
  high: number
  outcome: 'pass' | 'fail' | 'cannot-tell'
}

/**
 * Decides whether A is no worse than B by more than `margin`, on the same items.
 *
 * `pass`: the lower bound of the difference lies above -margin. `fail`: the upper bound lies below -margin,
 * so A is worse by more than the margin. Otherwise the items cannot tell. `margin` is a share (0.05: five
 * points) and must have been declared before the comparison; `alpha` is one-sided.
 * The bounds are those of `pairedDifference` (Newcombe 1998) at level 1 - 2 alpha.
 */
export function nonInferiority(counts: PairedCounts, margin: number, alpha = 0.05): NonInferiority {
  checkProbability(margin, 'margin')
  if (!(alpha > 0 && alpha < 0.5))
    throw new RangeError(`A one-sided alpha must lie between 0 and 0.5, got ${alpha}.`)
  const { estimate, low, high } = pairedDifference(counts, 1 - 2 * alpha)
  const outcome = low > -margin ? 'pass' : high < -margin ? 'fail' : 'cannot-tell'
  return { difference: estimate, low, high, outcome }
}

import { checkOneSided, type Decision, decideNonInferiority } from './decision.ts'
import { exactPairedDifference } from './exact-paired-difference.ts'
import { checkProbability } from './interval.ts'
import type { PairedCounts } from './paired-difference.ts'

/**
 * Decides whether A is no worse than B by more than `margin`, on the same items.
 *
 * `pass`: the lower bound of the difference lies above -margin. `fail`: the upper bound lies below -margin,
 * so A is worse by more than the margin. Otherwise the items cannot tell. `margin` is a share (0.05: five
 * points) and must have been declared before the comparison; `alpha` is one-sided.
 * Its error is at most `alpha` for every number of items: the bounds are those of `exactPairedDifference`.
 */
export function nonInferiority(counts: PairedCounts, margin: number, alpha = 0.05): Decision {
  checkProbability(margin, 'margin')
  checkOneSided(alpha)
  return decideNonInferiority(exactPairedDifference(counts, alpha), margin)
}

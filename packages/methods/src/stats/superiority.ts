import { checkOneSided, type Decision, decideSuperiority } from './decision.ts'
import { exactPairedDifference } from './exact-paired-difference.ts'
import type { PairedCounts } from './paired-difference.ts'

/**
 * Decides whether A is better than B on the same items. `pass`: the lower bound of the difference lies above 0. `fail`: the
 * upper bound leaves no room for a gain. `alpha` is one-sided; the bounds are those of `nonInferiority`.
 */
export function superiority(counts: PairedCounts, alpha = 0.05): Decision {
  checkOneSided(alpha)
  return decideSuperiority(exactPairedDifference(counts, alpha))
}

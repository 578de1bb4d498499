import { checkOneSided, type Decision, decideEquivalence } from './decision.ts'
import { exactPairedDifference } from './exact-paired-difference.ts'
import { checkProbability } from './interval.ts'
import type { PairedCounts } from './paired-difference.ts'

/**
 * Decides whether A and B differ by less than `margin` on the same items, by two one-sided tests.
 *
 * `pass`: both bounds of the difference lie within the margin. `fail`: both lie outside of it, on one side. Otherwise
 * the items cannot tell. `margin` is a share, declared before the comparison; `alpha` is that of each test, and that of the
 * decision too. The bounds are those of `nonInferiority`.
 * Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach"; Tango 1998.
 */
export function equivalence(counts: PairedCounts, margin: number, alpha = 0.05): Decision {
  checkProbability(margin, 'margin')
  checkOneSided(alpha)
  return decideEquivalence(exactPairedDifference(counts, alpha), margin)
}

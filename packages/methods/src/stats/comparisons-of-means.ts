import { type Decision, decideEquivalence, decideNonInferiority, decideSuperiority } from './decision.ts'
import { type MeanOptions, studentizedBootstrap } from './studentized-bootstrap.ts'

/**
 * Decides whether the mean of per-item differences, A minus B, lies above -margin: `nonInferiority` for log-likelihoods and
 * scores. `margin` has the unit of the differences and was declared before the comparison. The bounds are those of
 * `studentizedBootstrap`.
 */
export function nonInferiorityOfMeans(
  differences: readonly number[],
  margin: number,
  options: MeanOptions,
): Decision {
  checkMargin(margin)
  return decideNonInferiority(studentizedBootstrap(differences, options), margin)
}

/** Decides whether the mean of per-item differences lies within -margin and margin, by two one-sided tests. */
export function equivalenceOfMeans(
  differences: readonly number[],
  margin: number,
  options: MeanOptions,
): Decision {
  checkMargin(margin)
  return decideEquivalence(studentizedBootstrap(differences, options), margin)
}

/** Decides whether the mean of per-item differences lies above 0. */
export function superiorityOfMeans(differences: readonly number[], options: MeanOptions): Decision {
  return decideSuperiority(studentizedBootstrap(differences, options))
}

function checkMargin(margin: number): void {
  if (!(margin > 0 && margin < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`The margin must be a finite number above 0, got ${margin}.`)
  }
}

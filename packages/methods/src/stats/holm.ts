import { checkPValues, orderOf } from './p-values.ts'

/**
 * Gives p-values adjusted for naming which of several hypotheses fail, in the order given: those at most alpha may all be
 * named, and a wrong one is among them with probability at most alpha, however the tests depend on one another.
 * Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
 */
export function holm(pValues: readonly number[]): number[] {
  checkPValues(pValues)
  const adjusted = [...pValues]
  let largest = 0
  for (const [rank, at] of orderOf(pValues).entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[at]!))
    adjusted[at] = largest
  }
  return adjusted
}

import { checkPValues, orderOf } from './p-values.ts'

/**
 * Gives p-values adjusted for the false discovery rate, in the order given: of those at most q, a share of at most q is
 * expected to be wrong, for tests that are independent or depend positively. For lists to look through, not for gates.
 * Source: Benjamini and Hochberg 1995, "Controlling the False Discovery Rate".
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  checkPValues(pValues)
  const adjusted = [...pValues]
  const order = orderOf(pValues)
  let smallest = 1
  for (let rank = order.length - 1; rank >= 0; rank--) {
    const at = order[rank]!
    smallest = Math.min(smallest, pValues[at]! * (pValues.length / (rank + 1)))
    adjusted[at] = smallest
  }
  return adjusted
}

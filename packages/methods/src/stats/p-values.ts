/** The positions of the p-values, smallest first. */
export function orderOf(pValues: readonly number[]): number[] {
  return [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!)
}

/** Throws a RangeError unless every p-value lies in 0 to 1. */
export function checkPValues(pValues: readonly number[]): void {
  for (const p of pValues) {
    if (!(p >= 0 && p <= 1)) throw new RangeError(`A p-value lies between 0 and 1, got ${p}.`)
  }
}

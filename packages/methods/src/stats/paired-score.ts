/**
 * Tells how many standard errors the difference of two paired proportions lies above `difference`, from the numbers of
 * items on which only the one or only the other succeeds. The error is that of the best fit which has this difference; at 0
 * the value is McNemar's. Falls as `difference` grows; infinite where the difference is impossible with such items.
 * Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design".
 */
export function pairedScore(onlyA: number, onlyB: number, n: number, difference: number): number {
  const distance = onlyA - onlyB - n * difference
  // The share of items on which only B succeeds, at its most likely value: the larger root of a quadratic.
  const linear = (2 * n - onlyA + onlyB) * difference - onlyA - onlyB
  const constant = -onlyB * difference * (1 - difference)
  const onlyBShare = (Math.sqrt(Math.max(0, linear ** 2 - 8 * n * constant)) - linear) / (4 * n)
  const variance = n * (2 * onlyBShare + difference * (1 - difference))
  if (variance > 1e-12 * n) return distance / Math.sqrt(variance)
  return Math.abs(distance) < 1e-9 * n
    ? 0
    : distance > 0
      ? Number.POSITIVE_INFINITY
      : Number.NEGATIVE_INFINITY
}

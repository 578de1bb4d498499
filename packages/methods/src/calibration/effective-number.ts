/**
 * Gives the number of equal parts that would be as unequal as these: (Σn)²/Σn². Of weights it is the effective sample size,
 * of rows per user the effective number of users. 0 for no parts.
 * Source: Kish 1965, "Survey Sampling"; in ecology the reciprocal of Simpson's index (1949).
 */
export function effectiveNumber(parts: Iterable<number>): number {
  let [sum, squares] = [0, 0]
  for (const part of parts) {
    sum += part
    squares += part * part
  }
  return squares === 0 ? 0 : (sum * sum) / squares
}

/**
 * Finds the most rows that one user may count for, so that the effective number of users is at least `share` of the users.
 * Users with more are weighed down to it. The effective number falls as the cap rises, so a bisection finds the largest.
 */
export function capOfUsers(rowsPerUser: readonly number[], share: number): number {
  const most = Math.max(0, ...rowsPerUser)
  const enough = (cap: number) =>
    effectiveNumber(rowsPerUser.map((rows) => Math.min(rows, cap))) >= share * rowsPerUser.length
  if (enough(most)) return most
  let [low, high] = [Math.min(...rowsPerUser), most]
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2
    if (enough(middle)) low = middle
    else high = middle
  }
  return low
}

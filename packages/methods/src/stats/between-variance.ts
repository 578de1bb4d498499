/**
 * Gives the variance of the true values behind estimates of known variance, 0 where chance alone explains their spread: the
 * value at which the weighted squares around the weighted mean are as many as their degrees of freedom.
 * Source: Paule and Mandel 1982, "Consensus Values and Weighting Factors".
 */
export function betweenVariance(estimates: readonly number[], variances: readonly number[]): number {
  const freedom = estimates.length - 1
  const excess = (tau2: number): number => {
    const weights = variances.map((variance) => 1 / (variance + tau2))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const mean = weights.reduce((sum, weight, i) => sum + weight * estimates[i]!, 0) / total
    return weights.reduce((sum, weight, i) => sum + weight * (estimates[i]! - mean) ** 2, 0) - freedom
  }
  const range = Math.max(...estimates) - Math.min(...estimates)
  if (range === 0) return 0
  // At the upper end the squares are at most 1/4, fewer than the degrees of freedom.
  let [low, high] = [0, estimates.length * range ** 2]
  if (variances.every((variance) => variance > 0) && excess(0) <= 0) return 0
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2
    if (excess(middle) > 0) low = middle
    else high = middle
  }
  return (low + high) / 2
}

import { checkProbability } from './interval.ts'

/**
 * Gives the probability that a standard normal variable is at most z, to about 1e-15 (relative in the lower tail).
 * Sources: Marsaglia 2004, "Evaluating the Normal Distribution" (series in the middle); Laplace's continued
 * fraction, Abramowitz and Stegun 26.2.14 (tails).
 */
export function normalCdf(z: number): number {
  if (z > 2) return 1 - lowerTail(-z)
  if (z < -2) return lowerTail(z)
  let term = z
  let sum = z
  for (let odd = 3; Math.abs(term) > Math.abs(sum) * 1e-17; odd += 2) {
    term *= (z * z) / odd
    sum += term
  }
  return 0.5 + density(z) * sum
}

/**
 * Gives the z below which a standard normal variable lies with probability p: the inverse of `normalCdf`.
 * A rational start value (Abramowitz and Stegun 26.2.23) is refined by Halley's method to the last digits.
 * Throws a RangeError unless 0 < p < 1.
 */
export function normalQuantile(p: number): number {
  checkProbability(p, 'probability')
  if (p > 0.5) return -normalQuantile(1 - p)
  const t = Math.sqrt(-2 * Math.log(p))
  const above = 2.515517 + t * (0.802853 + t * 0.010328)
  const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
  let z = above / below - t
  for (let round = 0; round < 3; round++) {
    const newton = (normalCdf(z) - p) / density(z)
    z -= newton / (1 + (newton * z) / 2)
  }
  return z
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
}

// At |z| = 2, where it is slowest, the fraction needs about 45 levels for double precision.
function lowerTail(z: number): number {
  const distance = -z
  let fraction = distance
  for (let level = 80; level > 0; level--) fraction = distance + level / fraction
  return density(z) / fraction
}

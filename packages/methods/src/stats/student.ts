import { checkProbability } from './interval.ts'

/**
 * Gives the probability that a Student variable with whole degrees of freedom is at most t.
 * Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4 (finite series). Throws a RangeError for bad degrees of freedom.
 */
export function studentCdf(t: number, degrees: number): number {
  if (!Number.isInteger(degrees) || degrees < 1) {
    throw new RangeError(`The degrees of freedom must be a whole number of at least 1, got ${degrees}.`)
  }
  if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) return t > 0 ? 1 : 0
  const angle = Math.atan(t / Math.sqrt(degrees))
  const cosine = Math.cos(angle)
  const odd = degrees % 2 === 1
  let term = odd ? cosine : 1
  let sum = odd && degrees === 1 ? 0 : term
  for (let power = odd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= ((power - 1) / power) * cosine ** 2
    sum += term
  }
  const series = Math.sin(angle) * sum
  // The probability between −t and t, with its sign.
  const within = odd ? (2 / Math.PI) * (angle + series) : series
  return 0.5 + within / 2
}

/** Gives the t below which a Student variable lies with probability p. Throws a RangeError unless 0 < p < 1. */
export function studentQuantile(p: number, degrees: number): number {
  checkProbability(p, 'probability')
  if (p < 0.5) return -studentQuantile(1 - p, degrees)
  let low = 0
  let high = 1
  while (studentCdf(high, degrees) < p) high *= 2
  for (let round = 0; round < 80 && high - low > 1e-13 * high; round++) {
    const middle = (low + high) / 2
    if (studentCdf(middle, degrees) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

import { checkProbability } from './interval.ts'
import { normalQuantile } from './normal.ts'

/**
 * Gives the probability that a variable with Student's distribution is at most t; `degrees` need not be whole.
 * Source: Abramowitz and Stegun 26.7.1 and 26.5.8, the incomplete beta function as a continued fraction.
 */
export function studentCdf(t: number, degrees: number): number {
  if (!(degrees > 0)) throw new RangeError(`Degrees of freedom must be above 0, got ${degrees}.`)
  const tail = incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
  return t > 0 ? 1 - tail : tail
}

/** Gives the t below which a variable with Student's distribution lies with probability p: the inverse of `studentCdf`. */
export function studentQuantile(p: number, degrees: number): number {
  checkProbability(p, 'probability')
  if (p > 0.5) return -studentQuantile(1 - p, degrees)
  let [low, high] = [normalQuantile(p), 0]
  // The tails are wider than the normal ones, without bound as the degrees fall.
  while (studentCdf(low, degrees) > p) [low, high] = [low * 2, low]
  while (high - low > 1e-13 * Math.abs(low)) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (studentCdf(middle, degrees) > p) high = middle
    else low = middle
  }
  return (low + high) / 2
}

/** The regularised incomplete beta function, by Lentz's evaluation of its continued fraction. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  let c = 1
  let d = 1 / (1 - ((a + b) * x) / (a + 1))
  let fraction = d
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / (1 + even * d)
    c = 1 + even / c
    fraction *= c * d
    d = 1 / (1 + odd * d)
    c = 1 + odd / c
    fraction *= c * d
    if (Math.abs(c * d - 1) < 1e-16) break
  }
  return (front * fraction) / a
}

/** Stirling's series, Abramowitz and Stegun 6.1.40, after moving the argument above 10. */
function logGamma(x: number): number {
  let shift = 0
  let value = x
  while (value < 10) {
    shift += Math.log(value)
    value++
  }
  const inverse = 1 / (value * value)
  const series =
    (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - inverse / 1188) * inverse) * inverse) * inverse) / value
  return (value - 0.5) * Math.log(value) - value + 0.5 * Math.log(2 * Math.PI) + series - shift
}

import { checkCount } from './interval.ts'

/**
 * Gives the probability of exactly k successes in n independent trials of probability p, to nearly full precision.
 * Source: Loader 2000, "Fast and Accurate Computation of Binomial Probabilities" (saddle-point expansion).
 */
export function binomialPmf(k: number, n: number, p: number): number {
  checkCount(n, 'trials')
  if (!(p >= 0 && p <= 1)) throw new RangeError(`The probability must lie between 0 and 1, got ${p}.`)
  if (!Number.isInteger(k) || k < 0 || k > n) return 0
  const q = 1 - p
  if (p === 0) return k === 0 ? 1 : 0
  if (q === 0) return k === n ? 1 : 0
  if (k === 0) return Math.exp(n * Math.log1p(-p))
  if (k === n) return Math.exp(n * Math.log(p))
  const correction = stirlingError(n) - stirlingError(k) - stirlingError(n - k)
  const exponent = correction - deviance(k, n * p) - deviance(n - k, n * q)
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)))
}

/**
 * Gives the exact probability of k or more successes in n independent trials of probability p.
 * The sum runs away from the mode, so a small tail keeps its relative precision.
 */
export function binomialTail(k: number, n: number, p: number): number {
  checkCount(n, 'trials')
  if (!Number.isInteger(k)) throw new RangeError(`The number of successes must be a whole number, got ${k}.`)
  if (k <= 0) return 1
  if (k > n) return 0
  return k > n * p ? sumUpwards(k, n, p) : 1 - sumUpwards(n - k + 1, n, 1 - p)
}

function sumUpwards(k: number, n: number, p: number): number {
  let term = binomialPmf(k, n, p)
  let sum = term
  for (let next = k + 1; next <= n && term > sum * 1e-17; next++) {
    term *= ((n - next + 1) / next) * (p / (1 - p))
    sum += term
  }
  return Math.min(1, sum)
}

/** ln(n!) minus Stirling's formula for it. */
function stirlingError(n: number): number {
  if (n < 16) {
    let logFactorial = 0
    for (let factor = 2; factor <= n; factor++) logFactorial += Math.log(factor)
    return logFactorial - (0.5 * Math.log(2 * Math.PI * n) + n * Math.log(n) - n)
  }
  const inverse = 1 / (n * n)
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - inverse / 1188) * inverse) * inverse) * inverse) / n
}

/** x ln(x / mean) + mean - x, without cancellation where x is near the mean. */
function deviance(x: number, mean: number): number {
  if (Math.abs(x - mean) >= 0.1 * (x + mean)) return x * Math.log(x / mean) + mean - x
  const v = (x - mean) / (x + mean)
  let sum = (x - mean) * v
  let power = 2 * x * v
  for (let odd = 3; ; odd += 2) {
    power *= v * v
    const next = sum + power / odd
    if (next === sum) return sum
    sum = next
  }
}

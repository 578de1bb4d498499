import { checkCount, checkProbability, type Interval } from './interval.ts'
import { normalQuantile } from './normal.ts'

/**
 * Gives the score interval for a proportion of successes among n independent trials.
 * It stays within 0 and 1 and has a width at 0 and n successes too. Throws a RangeError unless 0 <= successes <= n and n >= 1.
 * Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
 */
export function wilsonInterval(successes: number, n: number, level = 0.95): Interval {
  checkCount(n, 'trials', 1)
  checkCount(successes, 'successes')
  if (successes > n) throw new RangeError(`There cannot be ${successes} successes in ${n} trials.`)
  checkProbability(level, 'confidence level')
  const z = normalQuantile((1 + level) / 2)
  const p = successes / n
  const centre = p + (z * z) / (2 * n)
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))
  const scale = 1 + (z * z) / n
  // The exact bounds at the ends are 0 and 1; rounding would leave 1e-17.
  const low = successes === 0 ? 0 : (centre - half) / scale
  const high = successes === n ? 1 : (centre + half) / scale
  return { estimate: p, low, high, level }
}

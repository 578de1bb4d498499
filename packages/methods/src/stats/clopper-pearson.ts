import { binomialTail } from './binomial.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'

/**
 * Gives the lower bound of a proportion that covers the truth with at least the probability `level`, from below only.
 * It is the p at which `successes` or more would have probability 1 − level. Throws a RangeError unless 0 <= successes <= n
 * and n >= 1. Source: Clopper and Pearson 1934, "The use of confidence or fiducial limits".
 */
export function clopperPearsonLower(successes: number, n: number, level = 0.95): number {
  checkCount(n, 'trials', 1)
  checkCount(successes, 'successes')
  if (successes > n) throw new RangeError(`There cannot be ${successes} successes in ${n} trials.`)
  checkProbability(level, 'confidence level')
  if (successes === 0) return 0
  let [low, high] = [0, 1]
  while (high - low > 1e-12) {
    const middle = (low + high) / 2
    if (binomialTail(successes, n, middle) > 1 - level) high = middle
    else low = middle
  }
  return low
}

/** The same from above only. */
export function clopperPearsonUpper(successes: number, n: number, level = 0.95): number {
  return 1 - clopperPearsonLower(n - successes, n, level)
}

/**
 * Gives the exact interval of a proportion: each of its two sides misses the truth with at most the probability
 * (1 − level) / 2. Wider than `wilsonInterval`, which covers only on average. Throws like `clopperPearsonLower`.
 */
export function clopperPearsonInterval(successes: number, n: number, level = 0.95): Interval {
  checkProbability(level, 'confidence level')
  const side = (1 + level) / 2
  return {
    low: clopperPearsonLower(successes, n, side),
    high: clopperPearsonUpper(successes, n, side),
    estimate: successes / n,
    level,
  }
}

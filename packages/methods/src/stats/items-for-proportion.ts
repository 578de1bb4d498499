import { binomialTail } from './binomial.ts'
import { checkProbability } from './interval.ts'

export interface ProportionDesign {
  /** The share that the true one is to be told from, strictly between 0 and 1. */
  bar: number
  /** The true share, not the bar itself. */
  expected: number
  /** One-sided. Default 0.05. */
  alpha?: number
  /** Default 0.8. */
  power?: number
}

/**
 * Gives the number of independent trials at which a one-sided Clopper–Pearson bound shows that a proportion lies on its side
 * of a bar. Exact; the power wavers a little from one number to the next, so a few trials fewer may do. Throws a RangeError
 * when the expected share is the bar.
 */
export function itemsForProportion({ bar, expected, alpha = 0.05, power = 0.8 }: ProportionDesign): number {
  checkProbability(bar, 'bar')
  checkProbability(alpha, 'alpha')
  checkProbability(power, 'power')
  if (!(expected >= 0 && expected <= 1))
    throw new RangeError(`A share lies between 0 and 1, got ${expected}.`)
  if (expected === bar) throw new RangeError(`A share of ${bar} cannot be told from itself.`)
  if (expected < bar) return itemsForProportion({ bar: 1 - bar, expected: 1 - expected, alpha, power })
  const isEnough = (n: number) => binomialTail(criticalCount(n, bar, alpha), n, expected) >= power
  let high = 1
  while (!isEnough(high)) high *= 2
  let low = Math.floor(high / 2)
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (isEnough(middle)) high = middle
    else low = middle
  }
  return high
}

/** The least number of successes that has at most the probability alpha at the bar; n + 1 where none has. */
function criticalCount(n: number, bar: number, alpha: number): number {
  let [low, high] = [0, n + 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (binomialTail(middle, n, bar) <= alpha) high = middle
    else low = middle + 1
  }
  return low
}

/** Gives the probability that n trials show it, exactly. */
export function powerOfProportion({
  n,
  bar,
  expected,
  alpha = 0.05,
}: Omit<ProportionDesign, 'power'> & { n: number }): number {
  checkProbability(bar, 'bar')
  checkProbability(alpha, 'alpha')
  if (expected < bar) return powerOfProportion({ n, bar: 1 - bar, expected: 1 - expected, alpha })
  return binomialTail(criticalCount(n, bar, alpha), n, expected)
}

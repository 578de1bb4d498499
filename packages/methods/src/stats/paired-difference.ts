import { checkCount, checkProbability, type Interval } from './interval.ts'
import { normalQuantile } from './normal.ts'
import { pairedScore } from './paired-score.ts'

/** How two candidates did on the same items: on how many both, only one or neither of them succeeded. */
export interface PairedCounts {
  both: number
  onlyA: number
  onlyB: number
  neither: number
}

/** Counts the four outcomes of two lists of successes over the same items in the same order. */
export function countPairs(a: readonly boolean[], b: readonly boolean[]): PairedCounts {
  if (a.length !== b.length)
    throw new RangeError(`Paired lists differ in length: ${a.length} and ${b.length}.`)
  const counts: PairedCounts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
  for (const [position, first] of a.entries()) {
    const second = b[position]!
    counts[first ? (second ? 'both' : 'onlyA') : second ? 'onlyB' : 'neither']++
  }
  return counts
}

/** Throws a RangeError unless all four counts are whole numbers and there is an item. Gives the number of items. */
export function countItems(counts: PairedCounts): number {
  const { both, onlyA, onlyB, neither } = counts
  for (const count of [both, onlyA, onlyB, neither]) checkCount(count, 'paired items')
  const n = both + onlyA + onlyB + neither
  checkCount(n, 'paired items', 1)
  return n
}

/**
 * Gives the proportion of A minus the proportion of B over the same items, with a score interval.
 *
 * The limits are the differences at which Tango's score is the normal quantile. Like McNemar's test they depend on the
 * discordant items and the number of items only, and they have a width without any discordant item. Throws a RangeError
 * without any item.
 * Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the paired-sample design".
 */
export function pairedDifference(counts: PairedCounts, level = 0.95): Interval {
  const n = countItems(counts)
  checkProbability(level, 'confidence level')
  const { onlyA, onlyB } = counts
  const z = normalQuantile((1 + level) / 2)
  const estimate = (onlyA - onlyB) / n
  return {
    estimate,
    low: scoreLowerLimit(onlyA, onlyB, n, z),
    high: -scoreLowerLimit(onlyB, onlyA, n, z),
    level,
  }
}

/** The smallest difference from which the items lie no more than z standard errors above. */
function scoreLowerLimit(onlyA: number, onlyB: number, n: number, z: number): number {
  let [low, high] = [-1, (onlyA - onlyB) / n]
  while (high - low > 1e-13) {
    const middle = (low + high) / 2
    if (pairedScore(onlyA, onlyB, n, middle) > z) low = middle
    else high = middle
  }
  return high
}

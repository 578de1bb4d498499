import { checkCount, type Interval } from './interval.ts'
import { wilsonInterval } from './wilson.ts'

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

/**
 * Gives the proportion of A minus the proportion of B over the same items, with a score interval.
 *
 * The Wilson limits of both proportions are joined with the correlation of the pairs; its continuity
 * correction makes the interval cover with few discordant items too. Throws a RangeError without any item.
 * Source: Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on
 * paired data", Statistics in Medicine 17, method 10.
 */
export function pairedDifference(counts: PairedCounts, level = 0.95): Interval {
  const { both, onlyA, onlyB, neither } = counts
  for (const count of [both, onlyA, onlyB, neither]) checkCount(count, 'paired items')
  const n = both + onlyA + onlyB + neither
  const a = wilsonInterval(both + onlyA, n, level)
  const b = wilsonInterval(both + onlyB, n, level)
  const phi = correctedPhi(counts, n)
  const estimate = (onlyA - onlyB) / n
  const below = join(a.estimate - a.low, b.high - b.estimate, phi)
  const above = join(a.high - a.estimate, b.estimate - b.low, phi)
  return { estimate, low: estimate - below, high: estimate + above, level }
}

function correctedPhi({ both, onlyA, onlyB, neither }: PairedCounts, n: number): number {
  const margins = (both + onlyA) * (onlyB + neither) * (both + onlyB) * (onlyA + neither)
  if (margins === 0) return 0
  const cross = both * neither - onlyA * onlyB
  const corrected = cross > 0 ? Math.max(cross - n / 2, 0) : cross
  return corrected / Math.sqrt(margins)
}

function join(first: number, second: number, phi: number): number {
  // Never negative in exact arithmetic, since |phi| <= 1.
  return Math.sqrt(Math.max(0, first * first - 2 * phi * first * second + second * second))
}

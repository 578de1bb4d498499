import { clopperPearsonLower } from './clopper-pearson.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'
import { midranks } from './midranks.ts'
import { normalCdf, normalQuantile } from './normal.ts'

/** The scores that one scorer gave to items of both kinds. */
export interface ScoresByKind {
  positives: readonly number[]
  negatives: readonly number[]
}

/**
 * Gives the probability that a positive item has a higher score than a negative one, ties counting half, with an interval.
 *
 * The error is estimated without assumptions about the scores; the interval is symmetric on the logit scale, so it stays
 * within 0 and 1. When the kinds are perfectly separated (area 1 or 0) there is no spread to estimate an error from: the
 * bound is then the exact one for as many independent pairs as the smaller kind has items, all in order. A scorer that
 * gives all items the same score has 0.5 and no width. Throws a RangeError for fewer than two items of a kind.
 * Source: DeLong, DeLong and Clarke-Pearson 1988; ranks instead of pairs: Sun and Xu 2014, "Fast Implementation of
 * DeLong's Algorithm"; logit: Pepe 2003, "The Statistical Evaluation of Medical Tests", section 5.2.
 */
export function delongAuc(
  scoresOfPositives: readonly number[],
  scoresOfNegatives: readonly number[],
  level = 0.95,
): Interval {
  checkProbability(level, 'confidence level')
  const { area, ofPositives, ofNegatives } = placements({
    positives: scoresOfPositives,
    negatives: scoresOfNegatives,
  })
  if (area === 0 || area === 1) {
    const pairs = Math.min(ofPositives.length, ofNegatives.length)
    const bound = clopperPearsonLower(pairs, pairs, (1 + level) / 2)
    return area === 1
      ? { estimate: 1, low: bound, high: 1, level }
      : { estimate: 0, low: 0, high: 1 - bound, level }
  }
  const variance = varianceOfMean(ofPositives) + varianceOfMean(ofNegatives)
  const half = (normalQuantile((1 + level) / 2) * Math.sqrt(variance)) / (area * (1 - area))
  const logit = Math.log(area / (1 - area))
  const backTo = (value: number) => (half === 0 ? area : 1 / (1 + Math.exp(-value)))
  return { estimate: area, low: backTo(logit - half), high: backTo(logit + half), level }
}

/**
 * Gives the area of the first scorer less that of the second, on the same items in the same order, with an interval and
 * the two-sided p-value of no difference. Two scorers without any spread (both perfect) give 0, no width and p = 1: treat
 * it as not enough data. Throws a RangeError for fewer than two items of a kind, or different numbers of them.
 * Source: DeLong, DeLong and Clarke-Pearson 1988.
 */
export function delongDifference(
  first: ScoresByKind,
  second: ScoresByKind,
  level = 0.95,
): Interval & { p: number } {
  checkProbability(level, 'confidence level')
  const [one, other] = [placements(first), placements(second)]
  if (
    one.ofPositives.length !== other.ofPositives.length ||
    one.ofNegatives.length !== other.ofNegatives.length
  ) {
    throw new RangeError('Two scorers are compared on the same items: the numbers of their scores differ.')
  }
  const estimate = one.area - other.area
  const less = (values: Float64Array, others: Float64Array) => values.map((value, i) => value - others[i]!)
  const error = Math.sqrt(
    varianceOfMean(less(one.ofPositives, other.ofPositives)) +
      varianceOfMean(less(one.ofNegatives, other.ofNegatives)),
  )
  const half = normalQuantile((1 + level) / 2) * error
  const p = error === 0 ? (estimate === 0 ? 1 : 0) : 2 * normalCdf(-Math.abs(estimate) / error)
  return { estimate, low: Math.max(-1, estimate - half), high: Math.min(1, estimate + half), level, p }
}

/** For each item the share of the other kind that it is on the right side of. Their means are the area. */
function placements({ positives, negatives }: ScoresByKind) {
  const [m, n] = [positives.length, negatives.length]
  checkCount(m, 'positive items', 2)
  checkCount(n, 'negative items', 2)
  if (![positives, negatives].every((scores) => scores.every(Number.isFinite))) {
    throw new RangeError('Every score must be a finite number.')
  }
  const together = midranks([...positives, ...negatives])
  const [amongPositives, amongNegatives] = [midranks(positives), midranks(negatives)]
  const ofPositives = amongPositives.map((rank, i) => (together[i]! - rank) / n)
  const ofNegatives = amongNegatives.map((rank, i) => 1 - (together[m + i]! - rank) / m)
  return { area: ofPositives.reduce((sum, share) => sum + share, 0) / m, ofPositives, ofNegatives }
}

function varianceOfMean(values: Float64Array): number {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n * (n - 1))
}

// One comparison of two models on the same items: which statistic answers it, and what it would take.
import {
  type Decision,
  equivalence,
  equivalenceOfMeans,
  itemsForEquivalence,
  itemsForMeans,
  itemsForNonInferiority,
  itemsForPairedDifference,
  itemsForSequential,
  type MeanOptions,
  nonInferiority,
  nonInferiorityOfMeans,
  normalCdf,
  normalQuantile,
  type PairedCounts,
  powerOfEquivalence,
  powerOfNonInferiority,
  sequentialNonInferiority,
  sequentialSuperiority,
  superiority,
  superiorityOfMeans,
} from '@regraft/methods'
import type { ItemFacts } from '../datasets/index.ts'
import type { Verdict } from '../verdict/index.ts'

/** One item as two models did on it: scores of any unit. */
export interface PairedItem extends ItemFacts {
  id: string
  candidate: number
  other: number
}

export type Question =
  /** `expected`: the gain that the power is computed for. */
  { ask: 'superior'; expected: number } | { ask: 'not-inferior' | 'equivalent'; margin: number }

/** How much may be wrong, and how often one looks. */
export interface ErrorRules {
  /** One-sided, over all looks together. */
  alpha: number
  /** Number of this look in a gate that was declared to be repeated, from 1 on; null where it is judged once. */
  look: number | null
}

/** What a comparison has decided: the members of a verdict that follow from it. */
export type Compared = Pick<Verdict, 'outcome' | 'effect' | 'interval' | 'n' | 'needed' | 'seed'> & {
  /** Probability of passing at the planned alternative: the expected gain, or no difference. */
  power: number
}

/** The seed of everything that is drawn at random: a judgement is made again with the same numbers. */
export const JUDGING_SEED = 1

/** A difference nearer to its limit than this is planned as if it were this far: no number of items settles a tie. */
export const SMALLEST_PLANNED_DIFFERENCE = 0.01
/** Below so many independent units a mean of scores is not judged. † */
const LEAST_UNITS = 20
/** What repeated looks cost, where it is not computed exactly: see `itemsForSequential`. */
const SEQUENTIAL_FACTOR = 2.5

/** Where there is no always-valid form: look k may err with probability alpha / 2^k, alpha over all looks. */
export function spentAlpha({ alpha, look }: ErrorRules): number {
  return look === null ? alpha : alpha / 2 ** look
}

/** Whether every score is right or wrong. */
export function isBinary(items: readonly PairedItem[]): boolean {
  return items.every(({ candidate, other }) => isBit(candidate) && isBit(other))
}

/** Whether some items depend on each other. */
function isClustered(items: readonly PairedItem[]): boolean {
  const clusters = items.flatMap(({ cluster }) => cluster ?? [])
  return new Set(clusters).size < clusters.length
}

/** The first item of each end user or conversation: items that are independent, chosen without looking at answers. */
export function independentItems<Item extends ItemFacts>(items: readonly Item[]): Item[] {
  const met = new Set<string>()
  return items.filter(({ cluster }) => {
    if (cluster === undefined) return true
    if (met.has(cluster)) return false
    met.add(cluster)
    return true
  })
}

/**
 * Answers a question about the mean difference, candidate less other. Right and wrong with independent items: exact bounds.
 * Scores, and items that share an end user or conversation: means with bounds by Student and the bootstrap over clusters.
 * Looked at repeatedly: an always-valid sequence (scores within 0 and 1; of each cluster its first item).
 */
export function compare(items: readonly PairedItem[], question: Question, rules: ErrorRules): Compared {
  const clustered = isClustered(items)
  const bounded = items.every(({ candidate, other }) => isShare(candidate) && isShare(other))
  if (rules.look !== null && bounded && question.ask !== 'equivalent') {
    return compareSequentially(independentItems(items), question, rules.alpha)
  }
  const alpha = spentAlpha(rules)
  if (!clustered && isBinary(items)) return compareCounts(items, question, alpha)
  return compareMeans(items, question, alpha, clustered)
}

function compareCounts(items: readonly PairedItem[], question: Question, alpha: number): Compared {
  const n = items.length
  const counts = countOutcomes(items)
  const decision = decideCounts(counts, question, alpha)
  const discordance = Math.max(1, counts.onlyA + counts.onlyB) / n
  return {
    ...resultOf(decision, n, alpha, 'Lloyd and Moldovan 2008, exact bounds'),
    ...settle(decision, n, neededCounts(question, decision, discordance, alpha)),
    power: powerOfCounts(question, n, discordance, alpha),
  }
}

function decideCounts(counts: PairedCounts, question: Question, alpha: number): Decision {
  if (question.ask === 'superior') return superiority(counts, alpha)
  if (question.ask === 'equivalent') return equivalence(counts, question.margin, alpha)
  return nonInferiority(counts, question.margin, alpha)
}

function neededCounts(question: Question, decision: Decision, discordance: number, alpha: number): number {
  const { difference } = decision
  if (question.ask === 'superior') {
    const planned = Math.max(Math.abs(difference), SMALLEST_PLANNED_DIFFERENCE)
    return itemsForPairedDifference({
      ...{ difference: planned, discordance: Math.max(discordance, planned), alpha: 2 * alpha },
    })
  }
  const distance = seenDistance(decision, question.margin, SMALLEST_PLANNED_DIFFERENCE)
  if (distance !== null) {
    // Discordant items alone differ, each by one.
    const deviation = Math.sqrt(Math.max(discordance - difference ** 2, SMALLEST_PLANNED_DIFFERENCE ** 2))
    return itemsForMeans({ deviation, alpha, difference: distance })
  }
  const design = { margin: question.margin, discordance, alpha }
  return question.ask === 'equivalent' ? itemsForEquivalence(design) : itemsForNonInferiority(design)
}

/**
 * How far the difference lies from the nearer margin, where the bounds leave out that there is none: it is then planned with what was
 * seen, at least `least`, since no difference at all is not what the items will show. Null where it may be none.
 */
function seenDistance({ difference, low, high }: Decision, margin: number, least: number): number | null {
  if (low <= 0 && high >= 0) return null
  return Math.max(Math.abs(margin - Math.abs(difference)), least)
}

function powerOfCounts(question: Question, n: number, discordance: number, alpha: number): number {
  if (question.ask === 'superior') {
    const { expected } = question
    const deviation = Math.sqrt(Math.max(discordance, expected) - expected ** 2)
    return powerOf(expected, deviation / Math.sqrt(n), alpha)
  }
  const design = { n, margin: question.margin, discordance, alpha }
  return question.ask === 'equivalent' ? powerOfEquivalence(design) : powerOfNonInferiority(design)
}

function compareMeans(
  items: readonly PairedItem[],
  question: Question,
  alpha: number,
  clustered: boolean,
): Compared {
  const n = items.length
  const differences = items.map(({ candidate, other }) => candidate - other)
  const clusters = items.map(({ id, cluster }) => cluster ?? id)
  const units = new Set(clusters).size
  const effect = differences.reduce((sum, difference) => sum + difference, 0) / Math.max(1, n)
  if (units < LEAST_UNITS) {
    return {
      outcome: 'cannot-tell',
      effect,
      n,
      needed: Math.ceil((LEAST_UNITS * n) / Math.max(1, units)),
      power: 0,
    }
  }
  if (differences.every((difference) => difference === differences[0])) {
    return withoutSpread(items, units, question, alpha)
  }
  const options = { seed: JUDGING_SEED, alpha, ...(clustered ? { clusters } : {}) }
  const decision = decideMeans(differences, question, options)
  // Half of the width, as if the distribution were normal.
  const error = (decision.high - decision.low) / (2 * normalQuantile(1 - alpha))
  const bounded = Number.isFinite(error)
  const limit = question.ask === 'superior' ? 0 : question.margin
  const method = `${clustered ? `${units} clusters, ` : ''}Student and bootstrap of t`
  return {
    ...resultOf(decision, n, alpha, method),
    ...settle(
      decision,
      n,
      bounded ? neededMeans(question, decision, { deviation: error * Math.sqrt(n), alpha }) : 2 * n,
    ),
    seed: JUDGING_SEED,
    power: bounded ? powerOf(question.ask === 'superior' ? question.expected : limit, error, alpha) : 0,
  }
}

function decideMeans(differences: readonly number[], question: Question, options: MeanOptions): Decision {
  if (question.ask === 'superior') return superiorityOfMeans(differences, options)
  if (question.ask === 'equivalent') return equivalenceOfMeans(differences, question.margin, options)
  return nonInferiorityOfMeans(differences, question.margin, options)
}

function neededMeans(
  question: Question,
  decision: Decision,
  { deviation, alpha }: { deviation: number; alpha: number },
): number {
  if (question.ask === 'superior') {
    // A gain nearer to nothing than a tenth of the deviation is planned as if it were so large.
    const planned = Math.max(Math.abs(decision.difference), deviation / 10)
    return itemsForMeans({ deviation, alpha, difference: planned })
  }
  const distance = seenDistance(decision, question.margin, question.margin / 10)
  if (distance !== null) return itemsForMeans({ deviation, alpha, difference: distance })
  const power = question.ask === 'equivalent' ? 0.9 : 0.8
  return itemsForMeans({ deviation, alpha, margin: question.margin, power })
}

/** All differences are equal: right and wrong say as much as so many clusters that agree, equal likelihoods that nothing changed. */
function withoutSpread(
  items: readonly PairedItem[],
  units: number,
  question: Question,
  alpha: number,
): Compared {
  const n = items.length
  const [{ candidate, other } = { candidate: 0, other: 0 }] = items
  const effect = candidate - other
  if (isShare(candidate) && isShare(other) && Number.isInteger(effect)) {
    const one = Array.from({ length: units }, (_, i) => ({ id: String(i), candidate, other }))
    const bit = effect === 0 ? one.map((item) => ({ ...item, candidate: 1, other: 1 })) : one
    const { needed, ...compared } = compareCounts(bit, question, alpha)
    return { ...compared, n, ...(needed === undefined ? {} : { needed: Math.ceil((needed * n) / units) }) }
  }
  const isWithin =
    question.ask === 'superior'
      ? effect > 0
      : effect > -question.margin && (question.ask === 'not-inferior' || effect < question.margin)
  return { outcome: isWithin ? 'pass' : 'fail', effect, n, power: isWithin ? 1 : 0 }
}

function compareSequentially(items: readonly PairedItem[], question: Question, alpha: number): Compared {
  const n = items.length
  const differences = items.map(({ candidate, other }) => candidate - other)
  const decision =
    question.ask === 'superior'
      ? sequentialSuperiority(differences, alpha)
      : sequentialNonInferiority(differences, question.margin, alpha)
  const discordance = Math.max(1, differences.filter((difference) => difference !== 0).length) / n
  const planned = Math.max(Math.abs(decision.difference), SMALLEST_PLANNED_DIFFERENCE)
  const design =
    question.ask === 'superior'
      ? { margin: 0, difference: planned, discordance: Math.max(discordance, planned), alpha }
      : { margin: question.margin, discordance, alpha }
  const seen =
    question.ask === 'superior'
      ? null
      : seenDistance(decision, question.margin, Math.min(question.margin, SMALLEST_PLANNED_DIFFERENCE))
  const needed = () => {
    if (seen !== null) return SEQUENTIAL_FACTOR * meansFor(differences, { difference: seen, alpha })
    return isBinary(items) ? itemsForSequential(design) : SEQUENTIAL_FACTOR * meansFor(differences, design)
  }
  const aim = question.ask === 'superior' ? question.expected : question.margin
  const deviation = Math.sqrt(Math.max(discordance, aim) - (question.ask === 'superior' ? aim ** 2 : 0))
  return {
    ...resultOf(decision, n, alpha, 'Waudby-Smith and Ramdas 2023, at all looks together'),
    ...(decision.outcome === 'cannot-tell' ? { needed: Math.max(n + 1, Math.ceil(needed())) } : {}),
    // What the price in items means for the power of a single look.
    power: powerOf(aim, deviation / Math.sqrt(n / SEQUENTIAL_FACTOR), alpha),
  }
}

function meansFor(
  differences: readonly number[],
  design: { margin?: number; difference?: number; alpha: number },
) {
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / differences.length
  return itemsForMeans({ ...design, deviation: Math.max(Math.sqrt(variance), SMALLEST_PLANNED_DIFFERENCE) })
}

function resultOf({ outcome, difference, low, high }: Decision, n: number, alpha: number, method: string) {
  const interval = { low, high, level: 1 - 2 * alpha, method }
  // A bound that the items do not give is no number.
  return { outcome, effect: difference, n, ...(Number.isFinite(high - low) ? { interval } : {}) }
}

function settle({ outcome }: Decision, n: number, needed: number) {
  return outcome === 'cannot-tell' ? { needed: Math.max(n + 1, needed) } : {}
}

/** Probability that an estimate with this standard error shows a distance from its limit. */
function powerOf(distance: number, error: number, alpha: number): number {
  if (error === 0) return 1
  return normalCdf(distance / error - normalQuantile(1 - alpha))
}

function countOutcomes(items: readonly PairedItem[]): PairedCounts {
  const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
  for (const { candidate, other } of items) {
    counts[candidate === 1 ? (other === 1 ? 'both' : 'onlyA') : other === 1 ? 'onlyB' : 'neither']++
  }
  return counts
}

function isBit(score: number): boolean {
  return score === 0 || score === 1
}

function isShare(score: number): boolean {
  return score >= 0 && score <= 1
}

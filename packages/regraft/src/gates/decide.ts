import {
  countPairs,
  itemsForNonInferiority,
  itemsForPairedDifference,
  nonInferiority,
  type PairedCounts,
  superiority,
  wilsonInterval,
} from '@regraft/methods'
import type { Verdict } from '../verdict/index.ts'

/** Whether each item was answered correctly, in the order of the suite. */
export interface ScoredModel {
  /** What people call it, for example 'base regraft-nano' or 'adapter 3fa1c2'. */
  name: string
  correct: readonly boolean[]
  /** Digest of the measurement. */
  measurement: string
}

export interface GateThresholds {
  /** Loss against the incumbent that would still be accepted, as a share of the items. */
  margin: number
  /** One-sided error probability. */
  alpha: number
}

const METHOD = 'Lloyd and Moldovan 2008, exact bounds'

/** The difference that a suite should be able to show when the observed one is too small to plan with. */
const SMALLEST_PLANNED_DIFFERENCE = 0.01

/** Better than the base: passes when the interval of the paired difference lies above zero. */
export function decideBetterThanBase(
  candidate: ScoredModel,
  base: ScoredModel,
  alpha: number,
): ComparisonVerdict {
  const counts = countPairs(candidate.correct, base.correct)
  const n = candidate.correct.length
  const level = 1 - 2 * alpha
  const { difference, low, high, outcome } = superiority(counts, alpha)
  const planned = Math.max(Math.abs(difference), SMALLEST_PLANNED_DIFFERENCE)
  const discordance = Math.max(discordanceOf(counts, n), planned)
  return {
    outcome,
    title: `better than the ${base.name}`,
    reason: `${describeScore(candidate)} against ${describeScore(base)} on the same ${n} items`,
    effect: difference,
    interval: { low, high, level, method: METHOD },
    unit: 'share of items answered correctly',
    n,
    ...(outcome === 'cannot-tell'
      ? { needed: itemsForPairedDifference({ difference: planned, discordance }) }
      : {}),
    evidence: [candidate.measurement, base.measurement],
  }
}

/** No worse than the incumbent by more than the margin, which was declared before the comparison. */
export function decideNotWorseThanIncumbent(
  candidate: ScoredModel,
  incumbent: ScoredModel,
  thresholds: GateThresholds,
): ComparisonVerdict {
  const counts = countPairs(candidate.correct, incumbent.correct)
  const n = candidate.correct.length
  const { difference, low, high, outcome } = nonInferiority(counts, thresholds.margin, thresholds.alpha)
  const design = { margin: thresholds.margin, discordance: discordanceOf(counts, n), alpha: thresholds.alpha }
  return {
    outcome,
    title: `no worse than the incumbent ${incumbent.name}`,
    reason: `${describeScore(candidate)} against ${describeScore(incumbent)}; margin ${points(thresholds.margin)} declared beforehand`,
    effect: difference,
    interval: { low, high, level: 1 - 2 * thresholds.alpha, method: METHOD },
    unit: 'share of items answered correctly',
    n,
    ...(outcome === 'cannot-tell' ? { needed: Math.max(n + 1, itemsForNonInferiority(design)) } : {}),
    evidence: [candidate.measurement, incumbent.measurement],
  }
}

/** A verdict that does not know yet which command repeats it. */
export type ComparisonVerdict = Omit<Verdict, 'rerun'>

/** All parts must pass (an intersection–union test, so no correction for several tests); one failure fails the whole. */
export function conjunction(parts: readonly ComparisonVerdict[]): Verdict['outcome'] {
  if (parts.some(({ outcome }) => outcome === 'fail')) return 'fail'
  return parts.every(({ outcome }) => outcome === 'pass') ? 'pass' : 'cannot-tell'
}

/** Share of items that exactly one of the two answered; at least one item, so that planning never divides by nothing. */
function discordanceOf({ onlyA, onlyB }: PairedCounts, n: number): number {
  return Math.max(1, onlyA + onlyB) / n
}

export function describeScore(model: ScoredModel): string {
  const right = model.correct.filter(Boolean).length
  const { estimate, low, high } = wilsonInterval(right, model.correct.length)
  return `${model.name} ${percent(estimate)} [${percent(low)}, ${percent(high)}]`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

export function points(share: number): string {
  return `${Number((share * 100).toFixed(2))} points`
}

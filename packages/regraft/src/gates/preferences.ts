import { type Interval, lengthControlledWinRate } from '@regraft/methods'
import type { MeasuredItem } from './measurement.ts'

/** What the comparisons of a judge amount to. */
export interface PreferenceSummary {
  /** Mean score: preferred, with ties as half. */
  winRate: number
  ties: number
  /** Pairs in which the judge took the answer at the same place in both orders: the order decided, not the answers. */
  orderDecided: number
  /** Win rate as if the answers were of equal length, and how much longer answers gain (log odds); null where it cannot be told. */
  atEqualLength: { estimate: number; low: number; high: number; lengthEffect: number } | null
}

/** Sums up the comparisons of a measurement; null for one without any. Of items of one cluster the first enters the model. */
export function summarizePreferences(items: readonly MeasuredItem[]): PreferenceSummary | null {
  const compared = items.filter((item) => item.compared !== undefined)
  if (compared.length === 0) return null
  return {
    winRate: compared.reduce((sum, { score }) => sum + score, 0) / compared.length,
    ties: compared.filter(({ score }) => score === 0.5).length,
    orderDecided: compared.filter(
      ({ compared: { ahead, behind } = {} }) => ahead !== 'tie' && ahead === behind,
    ).length,
    atEqualLength: atEqualLength(compared),
  }
}

function atEqualLength(items: readonly MeasuredItem[]): PreferenceSummary['atEqualLength'] {
  const met = new Set<string>()
  const judgements = items
    .filter(({ id, cluster = id }) => !met.has(cluster) && met.add(cluster))
    .map(({ score, compared }) => ({ preference: score, lengthDifference: compared!.lengthDifference }))
  if (judgements.length < 2) return null
  let rate: Interval & { lengthEffect: Interval }
  try {
    rate = lengthControlledWinRate(judgements)
  } catch (error) {
    // All answers differ by the same length: it cannot be told from merit.
    if (error instanceof RangeError) return null
    throw error
  }
  const { estimate, low, high, lengthEffect } = rate
  return { estimate, low, high, lengthEffect: lengthEffect.estimate }
}

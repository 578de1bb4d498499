import { type SeedEquivalence, seedEquivalence, seedsToSettle } from '@regraft/methods'
import type { Verdict } from '../../verdict/index.ts'

/** Scores per item, in the same order, of the registered adapter and of each rebuilt one. */
export interface RebuiltScores {
  registered: readonly number[]
  rebuilt: readonly (readonly number[])[]
}

interface Thresholds {
  margin: number
  alpha: number
}

type Decided = Omit<Verdict, 'rerun' | 'parts'>

/**
 * Equivalent when the interval of the difference lies within the margin, drifted when it lies outside of it; the interval holds
 * the noise of items and of seeds. With graded scores both the accuracy and the mean score decide.
 */
export function decideEquivalent(
  accuracy: RebuiltScores,
  graded: RebuiltScores | null,
  thresholds: Thresholds,
): Decided & { parts?: Decided[] } {
  const first = decideOne(accuracy, 'share of items answered correctly', thresholds)
  if (!graded) return first
  const second = decideOne(graded, 'mean score', thresholds)
  // The worse of the two: both must be equivalent.
  const order: Verdict['outcome'][] = ['fail', 'cannot-tell', 'pass']
  const worse = order.indexOf(second.outcome) < order.indexOf(first.outcome) ? second : first
  return { ...worse, parts: [first, second] }
}

function decideOne(
  { registered, rebuilt }: RebuiltScores,
  unit: string,
  { margin, alpha }: Thresholds,
): Decided {
  const difference = seedEquivalence(registered, rebuilt, margin, alpha)
  const { estimate, low, high, level, seeds, items, seedDeviation, outcome } = difference
  const before = registered.reduce((sum, score) => sum + score, 0) / items
  const reason =
    `${seeds} rebuilt adapters reach ${percent(before + estimate)} of ${items} items (seeds vary by ${points(seedDeviation)}), ` +
    `the registered one ${percent(before)}; margin ${points(margin)}, declared beforehand`
  const common = {
    title: `${seeds} seeds against the registered adapter`,
    effect: estimate,
    interval: { low, high, level, method: 'items and seeds, Student' },
    unit,
    n: items,
    evidence: [],
  }
  if (outcome === 'pass') return { outcome, finding: 'EQUIVALENT', reason, ...common }
  if (outcome === 'fail') return { outcome, finding: 'DRIFTED', reason, ...common }
  const { text, needed } = toSettle(difference, margin)
  return { outcome, reason: `${reason}; ${text}`, ...common, ...(needed ? { needed } : {}) }
}

/** What would settle a comparison that cannot tell. */
function toSettle(difference: SeedEquivalence, margin: number): { text: string; needed?: number } {
  const plan = seedsToSettle(difference, margin)
  if (plan === null) {
    return { text: 'seeds alone vary by more than the margin can settle: no number of items does' }
  }
  const { seeds, items } = plan
  return items > difference.items
    ? { text: `about ${items} items and ${seeds} seeds would settle it`, needed: items }
    : { text: `about ${seeds} seeds would settle it: --seeds ${seeds}` }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function points(share: number): string {
  return `${Number((share * 100).toFixed(2))} points`
}

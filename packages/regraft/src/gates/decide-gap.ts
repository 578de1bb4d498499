import { independentDifference, itemsForIndependentDifference, wilsonInterval } from '@regraft/methods'
import { describeShare, points } from './requirements/describe.ts'
import type { Draft } from './requirements/index.ts'

/** Whether each item of a suite was answered correctly. */
export interface ScoredSuite {
  /** What people call it. */
  name: string
  correct: readonly boolean[]
  /** Digest of the measurement. */
  measurement: string
}

/** A gap nearer than this to the margin is planned as if it were this far: no number of items settles a tie. */
const SMALLEST_PLANNED_DISTANCE = 0.01

/**
 * Whether a model does better on the frozen suite than on fresh items by more than the margin: then the frozen suite has
 * leaked, or has been fitted, and its score says little any more.
 *
 * The two suites are other items, so the samples are independent. Fails (the alarm) when the lower bound of frozen − fresh
 * lies above the margin, passes when the upper bound lies below it.
 */
export function decideGap(
  frozen: ScoredSuite,
  fresh: ScoredSuite,
  { margin, alpha }: { margin: number; alpha: number },
): Draft {
  const [first, second] = [frozen, fresh].map(({ correct }) => {
    return { right: correct.filter(Boolean).length, n: correct.length }
  }) as [Count, Count]
  const level = 1 - 2 * alpha
  const { estimate, low, high } = independentDifference(first, second, level)
  const outcome = low > margin ? 'fail' : high < margin ? 'pass' : 'cannot-tell'
  const found = {
    fail: 'the frozen suite flatters it: that suite has leaked into training, or choices have fitted it',
    pass: 'the frozen suite says what fresh items say',
    'cannot-tell': 'too few items to tell',
  }
  return {
    outcome,
    title: 'frozen against fresh',
    reason: `${frozen.name} ${describeShare(first.right, first.n)} against ${fresh.name} ${describeShare(second.right, second.n)}; margin ${points(margin)} †: ${found[outcome]}`,
    effect: estimate,
    interval: { low, high, level, method: 'Newcombe 1998, independent proportions, method 10' },
    unit: 'share of items answered correctly, frozen less fresh',
    limits: [margin],
    n: first.n + second.n,
    ...(outcome === 'cannot-tell' ? { needed: neededItems(first, second, margin, alpha) } : {}),
    evidence: [frozen.measurement, fresh.measurement],
  }
}

interface Count {
  right: number
  n: number
}

/** Items of both suites together; at least one more than there are. */
function neededItems(first: Count, second: Count, margin: number, alpha: number): number {
  // The middle of the interval: a score of 0 or 100 % on few items does not mean that there is no variance.
  const [p, q] = [first, second].map(({ right, n }) => {
    const { low, high } = wilsonInterval(right, n)
    return (low + high) / 2
  }) as [number, number]
  const distance = p - q - margin
  const planned = Math.sign(distance || -1) * Math.max(Math.abs(distance), SMALLEST_PLANNED_DISTANCE)
  const each = itemsForIndependentDifference({ first: p, second: q, margin: p - q - planned, alpha })
  return Math.max(first.n + second.n + 1, 2 * each)
}

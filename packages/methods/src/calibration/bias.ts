import type { Interval } from '../stats/interval.ts'

export interface BiasJudgement {
  outcome: 'pass' | 'fail' | 'cannot-tell'
  /** With `cannot-tell`: observations at which the estimate would settle it. */
  needed?: number
}

/**
 * Decides whether an effect that should be `none` is there: it passes when the whole interval lies within the margin, fails
 * when it leaves out `none`, and cannot tell otherwise. An effect that is certain and within the margin passes.
 */
export function judgeBias(
  { estimate, low, high }: Omit<Interval, 'level'>,
  { none, margin, n }: { none: number; margin: number; n: number },
): BiasJudgement {
  if (low > none - margin && high < none + margin) return { outcome: 'pass' }
  if (low > none || high < none) return { outcome: 'fail' }
  const distance = Math.abs(estimate - none)
  const half = (high - low) / 2
  const growth = (half / Math.max(margin - distance, distance)) ** 2
  return { outcome: 'cannot-tell', needed: Math.max(n + 1, Math.ceil(n * growth)) }
}

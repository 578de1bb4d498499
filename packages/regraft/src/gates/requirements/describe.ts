import { wilsonInterval } from '@regraft/methods'
import { isBinary, type PairedItem } from '../comparison.ts'

/** What a model scored: right answers with a 95 % interval, or the mean of its scores. */
export function describeSide(
  name: string,
  items: readonly PairedItem[],
  side: 'candidate' | 'other',
): string {
  const scores = items.map((item) => item[side])
  const total = scores.reduce((sum, score) => sum + score, 0)
  if (!isBinary(items)) return `${name} ${(total / Math.max(1, scores.length)).toFixed(3)}`
  return `${name} ${describeShare(total, scores.length)}`
}

export function describeShare(successes: number, n: number): string {
  if (n === 0) return 'no items'
  const { estimate, low, high } = wilsonInterval(successes, n)
  return `${percent(estimate)} [${percent(low)}, ${percent(high)}]`
}

export function unitOf(items: readonly PairedItem[]): string {
  return isBinary(items) ? 'share of items answered correctly' : 'mean score'
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

export function points(share: number): string {
  return `${Number((share * 100).toFixed(2))} points`
}

/** A margin in the unit of the scores. */
export function describeMargin(items: readonly PairedItem[], margin: number): string {
  return `margin ${describeAmount(items, margin)} declared beforehand`
}

/** A difference in the unit of the scores. */
export function describeAmount(items: readonly PairedItem[], amount: number): string {
  return isBinary(items) ? points(amount) : String(amount)
}

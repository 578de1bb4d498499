import { holm, pairedPermutation, partialPooling } from '@regraft/methods'
import type { SliceFinding } from '../../verdict/index.ts'
import { JUDGING_SEED, type PairedItem } from '../comparison.ts'

/** Ids of items that a regressed slice lost, at most so many. */
const LISTED_ITEMS = 20

/** The items of a slice, `channel=phone`. */
export function itemsOfSlice(items: readonly PairedItem[], slice: string): PairedItem[] {
  const [name, value] = splitSlice(slice)
  return items.filter(({ slices }) => slices?.[name] === value)
}

export function splitSlice(slice: string): [name: string, value: string] {
  const at = slice.indexOf('=')
  return [slice.slice(0, at), slice.slice(at + 1)]
}

/** Every slice that some item belongs to, as `name=value`, sorted. */
export function slicesOf(items: readonly { slices?: Record<string, string> }[]): string[] {
  const found = new Set<string>()
  for (const { slices = {} } of items) {
    for (const [name, value] of Object.entries(slices)) found.add(`${name}=${value}`)
  }
  return [...found].sort()
}

/**
 * How every slice fared, whether it blocks or not: its difference, drawn towards the mean of the slices of the same name (small
 * slices more), and which of them lost, by one-sided sign-flip tests with Holm's correction over all slices: a wrong one is
 * named with probability at most alpha.
 */
export function reportSlices(
  items: readonly PairedItem[],
  critical: readonly string[],
  alpha: number,
): SliceFinding[] {
  const slices = slicesOf(items).map((slice) => ({ slice, items: itemsOfSlice(items, slice) }))
  const adjusted = holm(slices.map((slice) => regressionP(slice.items)))
  const pooled = new Map<string, { estimate: number; low: number; high: number }>()
  for (const name of new Set(slices.map(({ slice }) => splitSlice(slice)[0]))) {
    const named = slices.filter(({ slice }) => splitSlice(slice)[0] === name)
    const values = named.map((slice) => ({ name: slice.slice, ...meanOf(slice.items) }))
    for (const { name: slice, estimate, low, high } of partialPooling(values, 1 - 2 * alpha).slices) {
      pooled.set(slice, { estimate, low, high })
    }
  }
  return slices.map(({ slice, items: inside }, i) => {
    const regressed = adjusted[i]! <= alpha
    const lost = inside.filter(({ candidate, other }) => candidate < other).map(({ id }) => id)
    return {
      ...{ slice, critical: critical.includes(slice), n: inside.length, effect: meanOf(inside).estimate },
      ...{ pooled: pooled.get(slice)!, p: adjusted[i]!, regressed },
      ...(regressed ? { items: lost.slice(0, LISTED_ITEMS) } : {}),
    }
  })
}

/** Sums of differences over what is independent: clusters, or items that belong to none. */
function unitsOf(items: readonly PairedItem[]): number[] {
  const sums = new Map<string, number>()
  for (const { id, cluster, candidate, other } of items) {
    const unit = cluster ?? `item ${id}`
    sums.set(unit, (sums.get(unit) ?? 0) + candidate - other)
  }
  return [...sums.values()]
}

function regressionP(items: readonly PairedItem[]): number {
  return pairedPermutation(unitsOf(items), { seed: JUDGING_SEED, alternative: 'less' }).p
}

function meanOf(items: readonly PairedItem[]): { estimate: number; variance: number; n: number } {
  const n = items.length
  const units = unitsOf(items)
  const estimate = units.reduce((sum, value) => sum + value, 0) / n
  if (units.length < 2) return { estimate, variance: 0, n: 1 }
  const centre = units.reduce((sum, value) => sum + value, 0) / units.length
  const squares = units.reduce((sum, value) => sum + (value - centre) ** 2, 0)
  return { estimate, variance: (squares * units.length) / (units.length - 1) / n ** 2, n: units.length }
}

import { splitByEntity } from './entity.ts'
import type { Parts, SplitRow } from './parts.ts'
import { splitStratified } from './stratified.ts'
import { splitByTime } from './time.ts'

export type { Parts, SplitRow } from './parts.ts'

export const SPLITS = ['time', 'entity', 'stratified'] as const
export type SplitBy = (typeof SPLITS)[number]

/** Cuts off a share of rows: the newest, whole entities, or of every label alike. The same seed cuts off the same rows. */
export function splitRows<Row extends SplitRow>(
  rows: readonly Row[],
  { by, share, seed, bound = [] }: { by: SplitBy; share: number; seed: number; bound?: Iterable<string> },
): Parts<Row> {
  if (by === 'entity') return splitByEntity(rows, share, seed, bound)
  return by === 'stratified' ? splitStratified(rows, share, seed) : splitByTime(rows, share, seed)
}

import { Random } from '@regraft/methods'
import { inOrder, type Parts, type SplitRow } from './parts.ts'

/**
 * Cuts off the newest share of the rows. Rows that all bear one time (a file without times, whose order may be by
 * label) are cut by chance instead, seeded.
 */
export function splitByTime<Row extends Pick<SplitRow, 'occurredAt' | 'id'>>(
  rows: readonly Row[],
  share: number,
  seed: number,
): Parts<Row> {
  const sorted = inOrder(rows)
  const sameTime =
    sorted.length > 0 && sorted[0]!.occurredAt.getTime() === sorted.at(-1)!.occurredAt.getTime()
  const ordered = sameTime ? new Random(seed, 'split').shuffle(sorted) : sorted
  const cut = ordered.length - Math.round(ordered.length * share)
  return { kept: ordered.slice(0, cut), taken: ordered.slice(cut), by: sameTime ? 'chance' : 'time' }
}

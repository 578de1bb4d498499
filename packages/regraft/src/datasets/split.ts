import { Random } from '@regraft/methods'

interface Dated {
  occurredAt: Date
  id: string
}

export interface TimeSplit<Row> {
  older: Row[]
  newer: Row[]
  by: 'time' | 'chance'
}

/**
 * Cuts off the newest share of the rows. Rows that all bear one time (a file without times, whose order may be by
 * label) are cut by chance instead, seeded.
 */
export function splitByTime<Row extends Dated>(
  rows: readonly Row[],
  newestShare: number,
  seed: number,
): TimeSplit<Row> {
  const sorted = rows.toSorted(
    (a, b) => a.occurredAt.getTime() - b.occurredAt.getTime() || (a.id < b.id ? -1 : 1),
  )
  const sameTime =
    sorted.length > 0 && sorted[0]!.occurredAt.getTime() === sorted.at(-1)!.occurredAt.getTime()
  const ordered = sameTime ? new Random(seed, 'split').shuffle(sorted) : sorted
  const cut = ordered.length - Math.round(ordered.length * newestShare)
  return { older: ordered.slice(0, cut), newer: ordered.slice(cut), by: sameTime ? 'chance' : 'time' }
}

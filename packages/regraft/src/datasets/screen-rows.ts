import type { ItemOverlap, ItemScreenOptions, ScreenItem } from '@regraft/methods'
import { workOnTexts } from './text-pool.ts'
import type { TextRow } from './text-work.ts'

/** An answer that this many rows give † is a label or a stock phrase: that an item expects it too is no evidence. */
export const STOCK_ANSWER = 10

export interface ScreenedRows<Row> {
  rows: number
  /** Rows that overlap an item, in their order. */
  found: { row: Row; overlaps: ItemOverlap[] }[]
  /** Rows that only overlapped by an answer that many rows give. */
  stock: number
}

/**
 * Screens rows, prompt and answer, against items by the n-gram rungs; see ItemScreen. `onBatch` hears of rows in their
 * order. Of rows that overlap nothing, nothing is kept.
 */
export async function screenRows<Row extends TextRow>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  items: ScreenItem[],
  {
    signal,
    options,
    onBatch,
  }: { signal?: AbortSignal; options?: ItemScreenOptions; onBatch?(rows: Row[]): void } = {},
): Promise<ScreenedRows<Row>> {
  const found: { row: Row; overlaps: ItemOverlap[]; answerKey: number | null }[] = []
  const answers = new Map<number, number>()
  let count = 0
  for await (const batch of workOnTexts(rows, { screen: { items, options } }, { signal })) {
    count += batch.rows.length
    onBatch?.(batch.rows)
    for (const { index, overlaps, answerKey } of batch.overlaps) {
      found.push({ row: batch.rows[index]!, overlaps, answerKey })
      if (answerKey !== null) answers.set(answerKey, (answers.get(answerKey) ?? 0) + 1)
    }
  }
  const isStock = (key: number | null) => key !== null && answers.get(key)! >= STOCK_ANSWER
  const left = found.flatMap(({ row, overlaps, answerKey }) => {
    const telling = isStock(answerKey) ? overlaps.filter((overlap) => overlap.row === 'prompt') : overlaps
    return telling.length > 0 ? [{ row, overlaps: telling }] : []
  })
  return { rows: count, found: left, stock: found.length - left.length }
}

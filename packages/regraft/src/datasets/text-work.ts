import {
  type ItemOverlap,
  ItemScreen,
  type ItemScreenOptions,
  type NearDuplicateOptions,
  type ScreenItem,
  type SketchBatch,
  Sketcher,
  shingler,
} from '@regraft/methods'

/** The texts of a row that are compared. */
export interface TextRow {
  prompt: string
  answer: string | null
}

/** What is done with every text. */
export interface TextWork {
  /** Makes sketches of the prompts, for a NearDuplicateIndex with the same options. */
  duplicates?: NearDuplicateOptions
  /** Screens prompts and answers against items. */
  screen?: { items: ScreenItem[]; options?: ItemScreenOptions }
}

/** What came of a batch of rows. */
export interface TextResult {
  sketch: SketchBatch | null
  /** Only the rows that overlap an item, by their place in the batch; the key is that of an answer that does. */
  overlaps: { index: number; overlaps: ItemOverlap[]; answerKey: number | null }[]
}

/** Prepares the work and returns the function that does it; it runs in a worker thread or in this one. */
export function textWorker(work: TextWork): (rows: readonly TextRow[]) => TextResult {
  const sketcher = work.duplicates ? new Sketcher(work.duplicates) : null
  const screen = work.screen ? new ItemScreen(work.screen.items, work.screen.options) : null
  const take = shingler()
  return (rows) => ({
    sketch: sketcher?.sketch(rows.map(({ prompt }) => prompt)) ?? null,
    overlaps: rows.flatMap((row, index) => {
      const overlaps = screen?.match(row) ?? []
      if (overlaps.length === 0) return []
      const byAnswer = overlaps.some((overlap) => overlap.row === 'answer')
      return [{ index, overlaps, answerKey: byAnswer ? take(row.answer!).key : null }]
    }),
  })
}

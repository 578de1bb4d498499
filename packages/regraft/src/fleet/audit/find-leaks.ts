import { ItemScreen, type ScreenCoverage, type ScreenItem } from '@regraft/methods'
import { screenRows } from '../../datasets/index.ts'
import type { RowCounter } from './log-facts.ts'
import type { PlainFileRow, PlainFileRows } from './read-rows.ts'

const LISTED = 20

/** Rows of a file that overlap evaluation items, by the n-gram rungs of the firewall. */
export interface Leaks {
  /** Name of the file. */
  of: string
  rows: number
  items: number
  overlapping: number
  itemsTouched: number
  rungs: Record<string, number>
  /** Rows that only overlapped by an answer that many rows give: labels. */
  stockAnswers: number
  listed: { line: number; item: number; rungs: string[] }[]
  coverage: ScreenCoverage[]
}

/** Reads rows to their end, counts them, and holds them against items where there are any. */
export async function readThrough(
  file: PlainFileRows,
  counter: RowCounter,
  items: ScreenItem[] | null,
  { signal, onRows }: { signal: AbortSignal; onRows(done: number): void },
): Promise<Leaks | null> {
  const rows = counted(file, counter)
  const onBatch = () => onRows(counter.facts.rows)
  if (items === null) {
    for await (const _ of rows) {
      signal.throwIfAborted()
      if (counter.facts.rows % 1000 === 0) onBatch()
    }
    return null
  }
  const { rows: count, found, stock } = await screenRows(rows, items, { signal, onBatch })
  const touched = new Set(found.flatMap(({ overlaps }) => overlaps.map(({ id }) => id)))
  const rungs: Record<string, number> = {}
  for (const { overlaps } of found) {
    for (const rung of new Set(overlaps.flatMap((overlap) => overlap.rungs))) {
      rungs[rung] = (rungs[rung] ?? 0) + 1
    }
  }
  return {
    ...{ of: file.name, rows: count, items: items.length, overlapping: found.length },
    ...{ itemsTouched: touched.size, rungs, stockAnswers: stock },
    listed: found.slice(0, LISTED).map(({ row, overlaps: [first] }) => ({
      ...{ line: row.line, item: Number(first!.id), rungs: [...first!.rungs] },
    })),
    coverage: new ItemScreen(items).coverage(),
  }
}

/** The items of an evaluation file, named by their lines. */
export async function readItems(file: PlainFileRows, counter: RowCounter): Promise<ScreenItem[]> {
  const items: ScreenItem[] = []
  for await (const { line, prompt, answer } of counted(file, counter)) {
    items.push({ id: String(line), prompt, answer })
  }
  return items
}

async function* counted(file: PlainFileRows, counter: RowCounter): AsyncGenerator<PlainFileRow> {
  for await (const row of file.rows()) {
    if ('reason' in row) counter.reject(row)
    else {
      counter.add(row)
      yield row
    }
  }
}

import { RegraftError } from '../errors/index.ts'
import type { ImportedRow, ParsedRow, RejectedRow } from './parsed-row.ts'
import type { RowSink } from './row-sink.ts'

/** Rows that go to the store together; the store cuts them to what its database takes at once. */
const ROWS_PER_INSERT = 2000

export interface ImportHooks {
  signal: AbortSignal
  /** Called now and then with the number of rows that are done. */
  onProgress(done: number): void
}

export interface ImportFigures {
  /** Rows of the file: added, duplicates and rejected. */
  rows: number
  /** Inferences that were added. */
  inferences: number
  /** Feedback that was added, also to inferences that were there. */
  feedback: number
  /** Rows whose inference was there already. */
  duplicates: number
  rejected: RejectedRow[]
}

/**
 * Reads a file to its end without storing anything, and counts its rows.
 *
 * So a mistake on the last line is found before the first row is written. Throws what the parser throws, and
 * 'invalid-file' when no row can be imported.
 */
export async function checkRows(rows: AsyncIterable<ParsedRow>, hooks: ImportHooks): Promise<number> {
  let total = 0
  let first: RejectedRow | null = null
  let importable = 0
  for await (const row of rows) {
    total += 1
    if (!('reason' in row)) importable += 1
    else first ??= row
    if (total % ROWS_PER_INSERT !== 0) continue
    hooks.signal.throwIfAborted()
    hooks.onProgress(total)
  }
  if (importable > 0) return total
  if (first === null) throw new RegraftError('invalid-file', 'The file has no rows.')
  const { line, reason } = first
  throw new RegraftError(
    'invalid-file',
    `None of the ${total} rows can be imported; line ${line} ${reason}.`,
    {
      details: { line },
    },
  )
}

/**
 * Stores the rows of a file in batches; rows that are there already are counted, not stored again.
 *
 * Feedback of a row goes in after its inference, and not at all when the store refused the inference.
 */
export async function storeRows(
  store: RowSink,
  rows: AsyncIterable<ParsedRow>,
  hooks: ImportHooks,
): Promise<ImportFigures> {
  const figures: ImportFigures = { rows: 0, inferences: 0, feedback: 0, duplicates: 0, rejected: [] }
  let batch: ImportedRow[] = []
  const storePending = async () => {
    hooks.signal.throwIfAborted()
    await storeBatch(store, batch, figures)
    batch = []
    hooks.onProgress(figures.rows)
  }
  for await (const row of rows) {
    figures.rows += 1
    if ('reason' in row) figures.rejected.push(row)
    else if (batch.push(row) === ROWS_PER_INSERT) await storePending()
  }
  await storePending()
  figures.rejected.sort((a, b) => a.line - b.line)
  return figures
}

async function storeBatch(store: RowSink, rows: ImportedRow[], figures: ImportFigures): Promise<void> {
  const stored = await store.inferences.insert(rows.map((row) => row.inference))
  figures.inferences += stored.inserted
  figures.duplicates += stored.duplicates
  const reasons = new Map(stored.rejected.map(({ id, reason }) => [id, reason]))
  const accepted = rows.filter(({ line, inference }) => {
    const reason = reasons.get(inference.id)
    if (reason !== undefined) figures.rejected.push({ line, reason })
    return reason === undefined
  })
  const feedback = await store.feedback.insert(accepted.flatMap((row) => row.feedback))
  figures.feedback += feedback.inserted
  for (const { id, reason } of feedback.rejected) {
    const { line } = accepted.find((row) => row.feedback.some((entry) => entry.id === id))!
    figures.rejected.push({ line, reason: `feedback: ${reason}` })
  }
}

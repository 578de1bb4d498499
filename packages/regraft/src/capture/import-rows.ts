import { RegraftError } from '../errors/index.ts'
import { canonicalBytes } from '../store/index.ts'
import type { Keyring } from '../store/types.ts'
import type { ImportedRow, ParsedRow, PassedRow, RejectedRow, RowUnit } from './parsed-row.ts'
import { rowId } from './row-ids.ts'
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
  /** Rows with an end user: their payloads are stored under that user's key. */
  subjects: number
  /** What the numbers of rejected rows count. */
  unit: RowUnit
  rejected: RejectedRow[]
  /** What was no call of a model and passed over, by what it was. */
  passed: Record<string, number>
}

interface OpenedRows {
  unit: RowUnit
  rows(): AsyncIterable<ParsedRow | PassedRow>
}

/**
 * Reads a file to its end without storing anything, and counts its rows.
 *
 * So a mistake on the last line is found before the first row is written. Throws what the parser throws, and
 * 'invalid-file' when no row can be imported.
 */
export async function checkRows(
  { unit, rows }: OpenedRows,
  hooks: ImportHooks,
): Promise<{ total: number; subjects: number; derived: number }> {
  const found = { total: 0, subjects: 0, derived: 0 }
  let first: RejectedRow | null = null
  let importable = 0
  let passed = 0
  for await (const row of rows()) {
    if ('passed' in row) {
      passed += 1
      continue
    }
    const total = ++found.total
    if ('reason' in row) first ??= row
    else {
      importable += 1
      if (hasSubject(row)) found.subjects += 1
      if (row.inference.derivedFrom !== undefined) found.derived += 1
    }
    if (total % ROWS_PER_INSERT !== 0) continue
    hooks.signal.throwIfAborted()
    hooks.onProgress(total)
  }
  if (importable > 0) return found
  if (first === null) {
    const but = passed === 0 ? '' : `: ${passed} entries are no calls of a model`
    throw new RegraftError('invalid-file', `The file has no rows${but}.`)
  }
  const { line, reason } = first
  const message = `None of the ${found.total} rows can be imported; ${unit} ${line} ${reason}.`
  throw new RegraftError('invalid-file', message, { details: { line } })
}

/**
 * Stores the rows of a file in batches; rows that are there already are counted, not stored again.
 *
 * Feedback of a row goes in after its inference, and not at all when the store refused the inference.
 */
export async function storeRows(
  store: RowSink & { keys: Pick<Keyring, 'subjectOf' | 'digest'> },
  { unit, rows }: OpenedRows,
  hooks: ImportHooks,
): Promise<ImportFigures> {
  const figures: ImportFigures = {
    ...{ rows: 0, inferences: 0, feedback: 0, duplicates: 0, subjects: 0, unit },
    ...{ rejected: [], passed: {} },
  }
  let batch: ImportedRow[] = []
  const storePending = async () => {
    hooks.signal.throwIfAborted()
    await storeBatch(store, batch, figures)
    batch = []
    hooks.onProgress(figures.rows)
  }
  for await (const row of rows()) {
    if ('passed' in row) {
      figures.passed[row.passed] = (figures.passed[row.passed] ?? 0) + 1
      continue
    }
    figures.rows += 1
    if ('reason' in row) {
      figures.rejected.push(row)
      continue
    }
    if (hasSubject(row)) figures.subjects += 1
    if (batch.push(await withSubject(store.keys, row)) === ROWS_PER_INSERT) await storePending()
  }
  await storePending()
  figures.rejected.sort((a, b) => a.line - b.line)
  return figures
}

function hasSubject({ user, inference }: ImportedRow): boolean {
  return user !== undefined || inference.subject != null
}

/** Puts the keyed hash of the end user in the place of their id. */
async function withSubject(
  keys: Pick<Keyring, 'subjectOf' | 'digest'>,
  { user, ...row }: ImportedRow,
): Promise<ImportedRow> {
  if (user === undefined) return row
  const subject = await keys.subjectOf(user)
  const feedback = row.feedback.map(async (entry, index) => {
    // The hash of a text in an id would let whoever guesses the text confirm it after its erasure.
    const digest = await keys.digest(`subject/${subject}`, canonicalBytes(entry.payload))
    const id = entry.id === '' ? rowId(entry.occurredAt, [entry.inferenceId, index, digest]) : entry.id
    return { ...entry, id, subject }
  })
  return {
    line: row.line,
    inference: { ...row.inference, subject },
    feedback: await Promise.all(feedback),
  }
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

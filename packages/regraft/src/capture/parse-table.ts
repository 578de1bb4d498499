import { matchFormat, RECORD_FORMATS, type RecordSource } from './import-formats.ts'
import type { FileRecord } from './json-records.ts'
import { usedColumns } from './parse-csv.ts'
import type { FileOrigin, ParsedRow, PassedRow } from './parsed-row.ts'
import { type TableColumns, tableReader } from './tabular-row.ts'

/** Columns that hold lists of objects, which some writers put into a text as JSON. */
const NESTED = [
  'messages',
  'conversations',
  'conversation',
  'prompt',
  'chosen',
  'rejected',
  'completion',
  'feedback',
  'regraft',
]

/** Whether the columns of a Parquet file mean what the options say, and not what their own names say. */
export function isTable(columns: string[], text: string | null): boolean {
  return text !== null || formatOfColumns(columns) === null
}

/**
 * Turns the rows of a Parquet file into inferences and feedback.
 *
 * With a text column it is read as CSV is; else its columns are the fields of a format of JSON Lines (messages,
 * conversations, prompt and chosen …), whose rows its rows are.
 */
export async function* parseTable(
  source: RecordSource,
  { text, ...options }: Omit<TableColumns, 'text'> & { text: string | null },
  origin: FileOrigin,
): AsyncGenerator<ParsedRow | PassedRow> {
  const columns = source.table?.columns ?? []
  const format = formatOfColumns(columns)
  if (text === null && format !== null) {
    yield* RECORD_FORMATS[format].parse(unpacked(source.records()), source.unit, origin)
    return
  }
  const table = { ...options, text: text ?? '' }
  usedColumns(columns, table, origin)
  const rowOf = tableReader(table, origin)
  for await (const record of source.records()) {
    const { number: line } = record
    if ('reason' in record) yield { line, reason: record.reason }
    else yield rowOf(record.value as Record<string, unknown>, line)
  }
}

function formatOfColumns(columns: string[]) {
  return matchFormat(Object.fromEntries(columns.map((column) => [column, true])))
}

async function* unpacked(records: AsyncIterable<FileRecord>): AsyncGenerator<FileRecord> {
  for await (const record of records) {
    if ('reason' in record) {
      yield record
      continue
    }
    const value = { ...(record.value as Record<string, unknown>) }
    for (const column of NESTED) {
      const cell = value[column]
      const isJson = column === 'regraft' ? /^\s*\{/ : /^\s*\[\s*\{/
      if (typeof cell !== 'string' || !isJson.test(cell)) continue
      try {
        value[column] = JSON.parse(cell)
      } catch {
        // A text that only looks like JSON is a text.
      }
    }
    yield { number: record.number, value }
  }
}

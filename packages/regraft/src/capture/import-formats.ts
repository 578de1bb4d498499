import { RegraftError } from '../errors/index.ts'
import type { StoredFile } from '../store/types.ts'
import { type FileRecord, readJsonDocument, readJsonLines } from './json-records.ts'
import { isParquet, openParquet, type ParquetTable } from './parquet-records.ts'
import { alpacaLine } from './parse-alpaca.ts'
import { parseLangfuse } from './parse-langfuse.ts'
import { isRecord, openAILine, parseChatRecords, type ToChatLine } from './parse-openai-jsonl.ts'
import { parseOtlp } from './parse-otlp.ts'
import { shareGptLine } from './parse-sharegpt.ts'
import { trlLine } from './parse-trl.ts'
import type { FileOrigin, ParsedRow, PassedRow, RowUnit } from './parsed-row.ts'

/** A format of rows that are JSON objects, in JSON Lines, in a JSON document or in a table of Parquet. */
export interface RecordFormat {
  /** Whether a record (or a table's columns, as keys) is of this format. */
  matches(record: Record<string, unknown>): boolean
  parse(
    records: AsyncIterable<FileRecord>,
    unit: RowUnit,
    origin: FileOrigin,
  ): AsyncIterable<ParsedRow | PassedRow>
}

const has = (record: Record<string, unknown>, ...keys: string[]) =>
  keys.every((key) => record[key] !== undefined)

const chat = (toChatLine: ToChatLine, matches: RecordFormat['matches']): RecordFormat => ({
  matches,
  parse: (records, unit, origin) => parseChatRecords(records, unit, toChatLine, origin),
})

/** The formats by the names that `--format` has for them; of several that match the first counts. */
export const RECORD_FORMATS = {
  otlp: { matches: (record) => has(record, 'resourceSpans'), parse: parseOtlp },
  langfuse: {
    matches: (record) =>
      has(record, 'observations') ||
      ((has(record, 'traceId') || has(record, 'trace_id')) &&
        has(record, 'type') &&
        !has(record, 'messages')),
    parse: parseLangfuse,
  },
  jsonl: chat(openAILine, (record) => has(record, 'messages')),
  sharegpt: chat(shareGptLine, (record) => has(record, 'conversations') || has(record, 'conversation')),
  trl: chat(trlLine, (record) => has(record, 'chosen', 'rejected') || has(record, 'prompt', 'completion')),
  alpaca: chat(alpacaLine, (record) => has(record, 'instruction', 'output')),
} satisfies Record<string, RecordFormat>

export type RecordFormatName = keyof typeof RECORD_FORMATS
export type FormatName = 'csv' | 'parquet' | RecordFormatName
export const FORMATS: [FormatName, ...FormatName[]] = [
  'csv',
  'parquet',
  ...(Object.keys(RECORD_FORMATS) as RecordFormatName[]),
]

/** How the records of a file lie in it. */
export const LAYOUTS = ['lines', 'document', 'parquet'] as const
export type Layout = (typeof LAYOUTS)[number]

/** The records of a file that is not CSV, with what they are counted by. */
export interface RecordSource {
  unit: RowUnit
  /** Columns of a table; null for JSON, whose records each have their own keys. */
  table: ParquetTable | null
  records(): AsyncIterable<FileRecord>
}

/** Opens the records of a file that are laid out as they say. */
export async function openRecords(file: StoredFile, layout: Layout): Promise<RecordSource> {
  if (layout === 'lines') return { unit: 'line', table: null, records: () => readJsonLines(file.chunks()) }
  if (layout === 'document') return { unit: 'item', table: null, records: () => readJsonDocument(file) }
  const table = await openParquet(file)
  return { unit: 'row', table, records: () => table.records() }
}

/** Finds out how the records of a file lie from its first bytes; a name that ends in .jsonl means lines. */
export async function detectLayout(file: StoredFile, name: string): Promise<Layout> {
  const start = await file.slice(0, 64 * 1024)
  if (isParquet(start) || /\.parquet$/i.test(name)) return 'parquet'
  if (/\.(jsonl|ndjson)$/i.test(name)) return 'lines'
  const text = Buffer.from(start)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
  return !text.startsWith('[') && isWholeLine(text, file.size > start.length) ? 'lines' : 'document'
}

/** Whether the first line is a JSON value of its own, as in JSON Lines; of a longer one only a part is seen. */
function isWholeLine(text: string, more: boolean): boolean {
  const end = text.indexOf('\n')
  if (end < 0 && more) return true
  try {
    JSON.parse(end < 0 ? text : text.slice(0, end))
    return true
  } catch {
    return false
  }
}

/** Finds out the format of a file from its name and its first row. Throws 'invalid-input' when neither says it. */
export async function detectFormat(
  file: StoredFile,
  name: string,
): Promise<{ format: FormatName; layout: Layout | null }> {
  if (/\.csv$/i.test(name)) return { format: 'csv', layout: null }
  const start = Buffer.from(await file.slice(0, 256)).toString('latin1')
  const isNamed = /\.(jsonl|ndjson|json|parquet)$/i.test(name)
  if (!isNamed && !/^(?:PAR1|(?:\xef\xbb\xbf)?\s*[[{])/.test(start)) {
    throw new RegraftError(
      'invalid-input',
      `The name ${name} does not say whether it is CSV, JSON, JSON Lines or Parquet.`,
      { hint: `Add --format, one of: ${FORMATS.join(', ')}.`, details: { param: 'format' } },
    )
  }
  const layout = await detectLayout(file, name)
  if (layout === 'parquet') return { format: 'parquet', layout }
  const first = await firstRecord(file, layout)
  return { format: (first && matchFormat(first)) ?? 'jsonl', layout }
}

/** The first record of a file that is an object; null for none. */
export async function firstRecord(file: StoredFile, layout: Layout): Promise<Record<string, unknown> | null> {
  const { records } = await openRecords(file, layout)
  for await (const record of records()) {
    if ('value' in record && isRecord(record.value)) return record.value
  }
  return null
}

/** The format of a record; null for none of them. */
export function matchFormat(record: Record<string, unknown>): RecordFormatName | null {
  const found = Object.entries(RECORD_FORMATS).find(([, { matches }]) => matches(record))
  return found ? (found[0] as RecordFormatName) : null
}

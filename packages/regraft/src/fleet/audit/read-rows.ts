import {
  detectFormat,
  firstRecord,
  matchFormat,
  openRecords,
  type ParsedRow,
  parseFile,
  type Reading,
  readCsvRecords,
  tableReader,
} from '../../capture/index.ts'
import { comparedText } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import type { FeedbackPayload } from '../../store/types.ts'
import { openPlainFile } from './plain-file.ts'

/** A row of a plain file, as far as it can be read. */
export interface PlainFileRow {
  line: number
  /** The conversation without its system prompt. */
  prompt: string
  /** What was answered, else the right answer that the row gives. */
  answer: string | null
  model: string | null
  /** Null where the row has no time of its own. */
  occurredAt: Date | null
  feedback: FeedbackPayload[]
}

export interface PlainFileRows {
  name: string
  format: string
  /** Of a table whose columns were chosen by their names. */
  columns: { text: string; label: string | null } | null
  rows(): AsyncGenerator<PlainFileRow | { line: number; reason: string }>
}

/** What stands in for the time of rows that have none. */
const NO_TIME = new Date(0)
/** Names of columns, the most telling first. */
const USUAL = {
  text: ['prompt', 'text', 'question', 'query', 'instruction', 'message', 'utterance', 'input'],
  label: ['label', 'intent', 'category', 'expected', 'gold', 'answer', 'completion', 'response', 'output'],
  time: ['occurred_at', 'timestamp', 'created_at', 'time', 'date'],
} as const

/**
 * Opens rows in any format that `regraft import` knows, and tables and objects whose fields have usual names.
 * Throws 'invalid-input' where no field holds a text.
 */
export async function openRows(path: string): Promise<PlainFileRows> {
  const file = await openPlainFile(path)
  const { format, layout } = await detectFormat(file, file.name)
  const origin = { digest: 'plain', importedAt: NO_TIME }
  const reading: Reading = {
    ...{ format, text: null, label: null, time: null, system: null, task: null },
    ...(layout === null ? {} : { layout }),
  }
  if (layout !== null && layout !== 'parquet') {
    const first = await firstRecord(file, layout)
    if (first && matchFormat(first) === null) {
      const columns = chooseColumns(Object.keys(first), file.name)
      const rowOf = tableReader(columns, { ...origin, task: null })
      return {
        name: file.name,
        format: 'objects',
        columns,
        async *rows() {
          const { records } = await openRecords(file, layout)
          for await (const record of records()) {
            const { number: line } = record
            if ('reason' in record) yield { line, reason: record.reason }
            else if (typeof record.value !== 'object' || record.value === null) {
              yield { line, reason: 'is no object' }
            } else yield plainRow(rowOf({ ...record.value }, line))
          }
        },
      }
    }
  }
  const names = await columnsOf(file, format, layout)
  const columns = names === null ? null : chooseColumns(names, file.name)
  return {
    name: file.name,
    format,
    columns,
    async *rows() {
      for await (const row of parseFile(file, { ...reading, ...columns }, origin)) yield plainRow(row)
    },
  }
}

/** The columns of a table whose names have to be guessed; null for what says itself what it holds. */
async function columnsOf(
  file: Awaited<ReturnType<typeof openPlainFile>>,
  format: string,
  layout: Reading['layout'] | null,
): Promise<string[] | null> {
  if (format === 'csv') {
    for await (const { fields } of readCsvRecords(file.chunks())) {
      return (fields ?? []).map((field) => field.trim())
    }
    return []
  }
  if (layout !== 'parquet') return null
  const { table } = await openRecords(file, 'parquet')
  const columns = table?.columns ?? []
  return matchFormat(Object.fromEntries(columns.map((column) => [column, true]))) === null ? columns : null
}

function chooseColumns(names: readonly string[], file: string) {
  const find = (usual: readonly string[]) => usual.find((name) => names.includes(name)) ?? null
  const text = find(USUAL.text)
  if (text !== null) return { text, label: find(USUAL.label), time: find(USUAL.time) }
  throw new RegraftError('invalid-input', `which field of ${file} holds the text?`, {
    hint: `name it one of ${USUAL.text.join(', ')}; the fields are: ${names.join(', ')}`,
  })
}

function plainRow(row: ParsedRow): PlainFileRow | { line: number; reason: string } {
  if ('reason' in row) return row
  const { line, inference, feedback } = row
  const { messages, response, model } = inference.payload
  const payloads = feedback.map(({ payload }) => payload)
  const label = payloads.flatMap((payload) => (payload.type === 'label' ? [payload.value] : []))[0]
  return {
    ...{ line, prompt: comparedText(messages), answer: response ?? label ?? null, model },
    occurredAt: inference.occurredAt.getTime() === NO_TIME.getTime() ? null : inference.occurredAt,
    feedback: payloads,
  }
}

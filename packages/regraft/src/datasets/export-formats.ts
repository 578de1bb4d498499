import type { ExportedNote } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { ExampleKind } from '../signals/index.ts'
import type { ExamplePayload } from '../store/types.ts'
import { encodeParquet } from './export-parquet.ts'

/** A row of an export: an example, and what the manifest says of it. */
export interface ExportRow {
  payload: ExamplePayload
  note: ExportedNote
}

/** A format that snapshots are exported to. */
interface ExportFormat {
  /** Kinds of snapshots that it can hold. */
  kinds: readonly ExampleKind[]
  extension: string
  encode(rows: AsyncIterable<ExportRow>, kind: ExampleKind): AsyncIterable<Uint8Array>
}

/** The member that other tools ignore, and by which an import makes the same example again. */
export const NOTE = 'regraft'

/** The members of a row that other tools read. Texts are lists of messages: conversational, in the words of TRL. */
export function fieldsOf(payload: ExamplePayload): Record<string, unknown> {
  const { messages } = payload
  const answer = (content: string) => [{ role: 'assistant', content }]
  if (payload.kind === 'preference') {
    return { prompt: messages, chosen: answer(payload.chosen), rejected: answer(payload.rejected) }
  }
  if (payload.kind === 'desirability') {
    return { prompt: messages, completion: answer(payload.completion), label: payload.label }
  }
  return { messages: [...messages, ...answer(payload.completion)] }
}

async function* encodeLines(rows: AsyncIterable<ExportRow>): AsyncGenerator<Uint8Array> {
  for await (const { payload, note } of rows) {
    yield Buffer.from(`${JSON.stringify({ ...fieldsOf(payload), [NOTE]: note })}\n`)
  }
}

const lines = (kind: ExampleKind): ExportFormat => {
  return { kinds: [kind], extension: 'jsonl', encode: encodeLines }
}

export const EXPORT_FORMATS = {
  openai: lines('demonstrations'),
  trl: lines('preferences'),
  kto: lines('desirability'),
  parquet: {
    kinds: ['demonstrations', 'preferences', 'desirability'],
    extension: 'parquet',
    encode: encodeParquet,
  },
} as const satisfies Record<string, ExportFormat>
export type ExportFormatName = keyof typeof EXPORT_FORMATS
export const EXPORT_NAMES = Object.keys(EXPORT_FORMATS) as [ExportFormatName, ...ExportFormatName[]]

/** Throws 'invalid-input' naming the formats that a kind of snapshot can be exported to, when this is none of them. */
export function requireFormat(name: ExportFormatName, kind: ExampleKind): ExportFormat {
  const format: ExportFormat = EXPORT_FORMATS[name]
  if (format.kinds.includes(kind)) return format
  const fitting = EXPORT_NAMES.filter((other) => (EXPORT_FORMATS[other] as ExportFormat).kinds.includes(kind))
  throw new RegraftError('invalid-input', `a snapshot of ${kind} cannot be written as ${name}`, {
    hint: `--format ${fitting.join(' or --format ')}; or build another: regraft datasets build --for ${format.kinds[0]}`,
    details: { param: 'format' },
  })
}

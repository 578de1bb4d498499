import { chatRow, readChatLine } from './chat-line.ts'
import { type FileRecord, readJsonLines } from './json-records.ts'
import type { FileOrigin, ParsedRow, RowUnit } from './parsed-row.ts'

/** Turns a record into a chat line, or says why it cannot be kept. */
export type ToChatLine = (
  record: Record<string, unknown>,
  place: { unit: RowUnit; number: number },
) => object | { reason: string }

/**
 * Turns JSON Lines of OpenAI's `{"messages": […]}` into inferences and feedback.
 *
 * A row with an `id` keeps it (see `inferenceIdOf`), so overlapping exports store a call once and later feedback finds
 * it; others get their id from file and line. What is well formed but cannot be held (tool calls, images, NUL, lone
 * surrogates, a bad time) is yielded as rejected; a message's `name` and keys that are not named here are not kept.
 * Throws 'invalid-file', with line and column or field, at a line that is not JSON or not of this shape.
 */
export async function* parseOpenAIJsonl(
  bytes: AsyncIterable<Uint8Array>,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow> {
  yield* parseChatRecords(readJsonLines(bytes), 'line', openAILine, origin)
}

/** A record of OpenAI's shape is a chat line as it is. */
export const openAILine: ToChatLine = (record) => record

/** Turns records of a format that amounts to chat lines into rows; a handle counts once. */
export async function* parseChatRecords(
  records: AsyncIterable<FileRecord>,
  unit: RowUnit,
  toChatLine: ToChatLine,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow> {
  const lineOfId = new Map<string, number>()
  for await (const record of records) {
    const { number: line } = record
    if ('reason' in record) {
      yield { line, reason: record.reason }
      continue
    }
    const place = { unit, number: line }
    const { value } = record
    const converted = isRecord(value) ? toChatLine(value, place) : value
    if (isRecord(converted) && typeof converted.reason === 'string' && converted.messages === undefined) {
      yield { line, reason: converted.reason }
      continue
    }
    const fields = readChatLine(converted, unit, line)
    const row = chatRow(fields, line, origin)
    const earlier = fields.id == null ? undefined : lineOfId.get(fields.id)
    if ('reason' in row) yield row
    else if (earlier !== undefined) yield { line, reason: `has the id of ${unit} ${earlier}` }
    else {
      if (fields.id != null) lineOfId.set(fields.id, line)
      yield row
    }
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

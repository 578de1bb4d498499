import { chatRow, readChatLine } from './chat-line.ts'
import { type ExportedRow, exportedInference, ofOneInference, readExported } from './exported-rows.ts'
import { type FileRecord, readJsonLines } from './json-records.ts'
import type { FileOrigin, ParsedRow, PassedRow, RowUnit } from './parsed-row.ts'

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
  for await (const row of parseChatRecords(readJsonLines(bytes), 'line', openAILine, origin)) {
    if (!('passed' in row)) yield row
  }
}

/** A record of OpenAI's shape is a chat line as it is. */
export const openAILine: ToChatLine = (record) => record

/**
 * Turns records of a format that amounts to chat lines into rows; a handle counts once. Rows of an exported snapshot are
 * taken together for each inference, see `exportedInference`.
 */
export async function* parseChatRecords(
  records: AsyncIterable<FileRecord>,
  unit: RowUnit,
  toChatLine: ToChatLine,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow | PassedRow> {
  const lineOfId = new Map<string, number>()
  const once = (row: ParsedRow | PassedRow, id: string | null | undefined): ParsedRow | PassedRow => {
    if (id == null || !('inference' in row)) return row
    const earlier = lineOfId.get(id)
    if (earlier !== undefined) return { line: row.line, reason: `has the id of ${unit} ${earlier}` }
    lineOfId.set(id, row.line)
    return row
  }
  let exported: ExportedRow[] = []
  const finished = () => {
    const [first] = exported
    const row = first && once(exportedInference(exported, origin), first.note.inference)
    exported = []
    return row ? [row] : []
  }
  for await (const record of records) {
    const { number: line } = record
    const own = 'value' in record && isRecord(record.value) ? readExported(record.value, line) : null
    if (own !== null && 'note' in own) {
      if (exported[0] && !ofOneInference(exported[0], own)) yield* finished()
      exported.push(own)
      continue
    }
    yield* finished()
    if (own !== null) yield { line, reason: own.reason }
    else if ('reason' in record) yield { line, reason: record.reason }
    else {
      const { value } = record
      const converted = isRecord(value) ? toChatLine(value, { unit, number: line }) : value
      if (isRecord(converted) && typeof converted.reason === 'string' && converted.messages === undefined) {
        yield { line, reason: converted.reason }
        continue
      }
      const fields = readChatLine(converted, unit, line)
      yield once(chatRow(fields, line, origin), fields.id)
    }
  }
  yield* finished()
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { RegraftError } from '../errors/index.ts'
import { findUnstorableIn } from '../operation/index.ts'
import type { FeedbackPayload, InferencePayload, NewFeedback, NewInference } from '../store/types.ts'
import { inferenceIdOf, rowId } from './row-ids.ts'

/** Where imported rows come from: everything that their ids depend on beside their own content. */
export interface FileOrigin {
  /** sha256 of the file's bytes. */
  digest: string
  /** Time of rows that carry none. */
  importedAt: Date
  /** The task that the rows belong to, kept as their route. */
  task: string | null
  /** Field with the id of the end user whose words a row holds; else the fields that a format has for it. */
  subject?: string | null
  /** Field with the ids of the rows that a row was written from. */
  derivedFrom?: string | null
  /** Further fields whose values are wanted beside the row; no row depends on them. */
  fields?: readonly string[]
}

/** What a file counts its rows by: lines, items of a JSON array, or rows of a table. */
export type RowUnit = 'line' | 'item' | 'row'

/** A row that can be stored, with the line it starts on. */
export interface ImportedRow {
  line: number
  /** Id of the end user as the file has it: it becomes a keyed hash and is never stored. */
  user?: string
  inference: NewInference
  /** With a user, an id that would follow from the text is '': it is made of a keyed digest when the row is stored. */
  feedback: NewFeedback[]
  /** Values of the further fields that were asked for, as the file has them. */
  fields?: Record<string, unknown>
}

/** A row that cannot be stored, and why; the others of its file can. */
export interface RejectedRow {
  line: number
  reason: string
}

export type ParsedRow = ImportedRow | RejectedRow

/** A part of a file that is no call of a model, by what it is: passed over and counted. */
export interface PassedRow {
  line: number
  passed: string
}

/** What a file knows of one call of a model. */
export interface ImportedCall extends Partial<InferencePayload> {
  messages: InferencePayload['messages']
  response: string | null
  occurredAt: Date
  /** What names the call elsewhere, see `inferenceIdOf`; without it the row's place in the file does. */
  handle?: string | null
  user?: string | null
  derivedFrom?: string[]
  /** The right answer, given beside the call. */
  label?: string | null
  feedback?: { id?: string; at: Date; payload: FeedbackPayload }[]
}

/** Makes the rows of a call; rejects it when a text in it cannot be stored. */
export function importedRow(call: ImportedCall, line: number, origin: FileOrigin): ParsedRow {
  const { occurredAt, handle, user, derivedFrom = [], label, feedback = [], ...known } = call
  const sourceKey = sourceKeyOf(origin, line)
  const id = handle == null ? rowId(occurredAt, [sourceKey]) : inferenceIdOf(handle)
  const payload = importedPayload(origin, line, known)
  const found = findUnstorableIn({
    ...payload,
    user,
    label,
    feedback: feedback.map((entry) => entry.payload),
  })
  if (found) return { line, reason: `${found.path.replace(/\.(\d+)/g, '[$1]')} ${found.reason}` }
  const rows: NewFeedback[] = feedback.map((entry, index) => ({
    id: entry.id ?? (user ? '' : rowId(entry.at, [id, index, JSON.stringify(entry.payload)])),
    inferenceId: id,
    occurredAt: entry.at,
    derivedFrom: [id],
    payload: entry.payload,
  }))
  if (label != null) rows.push(importedLabel(id, occurredAt, label, user))
  return {
    line,
    ...(user ? { user } : {}),
    inference: {
      id,
      occurredAt,
      ...(derivedFrom.length === 0 ? {} : { derivedFrom }),
      sourceKey: handle == null ? sourceKey : null,
      payload,
    },
    feedback: rows,
  }
}

/** Names a place in a file, read in a way that decides what its row holds. */
function sourceKeyOf({ digest, task, subject, derivedFrom }: FileOrigin, line: number): string {
  const named = [subject && `subject=${subject}`, derivedFrom && `derived-from=${derivedFrom}`]
  return ['import', digest, line, ...(task === null ? [] : [task]), ...named.filter(Boolean)].join(':')
}

/** The payload of an inference that a file tells of: what only serving knows is null. */
export function importedPayload(
  origin: FileOrigin,
  line: number,
  known: Partial<InferencePayload> & Pick<InferencePayload, 'messages' | 'response'>,
): InferencePayload {
  return {
    model: null,
    adapter: null,
    route: origin.task,
    parameters: {},
    latencyMs: null,
    usage: null,
    finishReason: null,
    source: { kind: 'import', file: origin.digest, line },
    ...known,
  }
}

/** The right answer that a file gives beside an inference, as feedback of the same time. */
export function importedLabel(
  inferenceId: string,
  occurredAt: Date,
  value: string,
  user?: string | null,
): NewFeedback {
  return {
    id: user ? '' : rowId(occurredAt, [inferenceId, 'label', value]),
    inferenceId,
    occurredAt,
    derivedFrom: [inferenceId],
    payload: { type: 'label', value, author: null },
  }
}

/** Refuses a file at one of its rows: it is not what it says it is. */
export function malformed(
  unit: RowUnit,
  number: number,
  what: string,
  { details, ...rest }: { hint: string; details?: Record<string, unknown>; cause?: unknown },
): RegraftError {
  const place = `${unit[0]!.toUpperCase()}${unit.slice(1)} ${number}`
  return new RegraftError('invalid-file', `${place}${what}`, {
    ...rest,
    details: { line: number, ...details },
  })
}

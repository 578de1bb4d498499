import type { InferencePayload, NewFeedback, NewInference } from '../store/types.ts'
import { rowId } from './row-ids.ts'

/** Where imported rows come from: everything that their ids depend on beside their own content. */
export interface FileOrigin {
  /** sha256 of the file's bytes. */
  digest: string
  /** Time of rows that carry none. */
  importedAt: Date
  /** The task that the rows belong to, kept as their route. */
  task: string | null
}

/** A row that can be stored, with the line it starts on. */
export interface ImportedRow {
  line: number
  inference: NewInference
  feedback: NewFeedback[]
}

/** A row that cannot be stored, and why; the others of its file can. */
export interface RejectedRow {
  line: number
  reason: string
}

export type ParsedRow = ImportedRow | RejectedRow

/** The payload of an inference that a file tells of: what only serving knows is null. */
export function importedPayload(
  origin: FileOrigin,
  line: number,
  known: Pick<InferencePayload, 'messages' | 'response' | 'model'>,
): InferencePayload {
  return {
    ...known,
    adapter: null,
    route: origin.task,
    parameters: {},
    latencyMs: null,
    usage: null,
    finishReason: null,
    source: { kind: 'import', file: origin.digest, line },
  }
}

/** The right answer that a file gives beside an inference, as feedback of the same time. */
export function importedLabel(inferenceId: string, occurredAt: Date, value: string): NewFeedback {
  return {
    id: rowId(occurredAt, [inferenceId, 'label', value]),
    inferenceId,
    occurredAt,
    derivedFrom: [inferenceId],
    payload: { type: 'label', value, author: null },
  }
}

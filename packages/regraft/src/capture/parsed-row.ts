import type { NewFeedback, NewInference } from '../store/types.ts'

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

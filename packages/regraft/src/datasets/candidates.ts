import type { PiiKind } from '@regraft/methods'
import type { CompiledRow } from '../signals/index.ts'
import type { FeedbackPayload, Message } from '../store/types.ts'

/** A row on its way into a snapshot: what the signal compiler made of an inference, and what stages changed of it. */
export interface Candidate extends Omit<CompiledRow, 'signal'> {
  signal: FeedbackPayload['type'] | 'teacher'
  /** The conversation up to the answer, where a stage has changed it; else the inference's own. */
  messages?: Message[]
  /** See SnapshotRow. */
  probability?: number
  weight?: number
  /** Kinds of personal data that were found in it. */
  pii?: PiiKind[]
}

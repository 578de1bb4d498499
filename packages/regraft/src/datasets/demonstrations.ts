import type { FeedbackPayload, FeedbackRow, InferenceRow } from '../store/types.ts'

/** Why a row did not become training data. */
export type DropReason =
  | 'no-signal'
  | 'rejected-without-replacement'
  | 'contradictory-signals'
  | 'no-answer'
  | 'no-alternative'
  | 'same-answer'
  | 'exact-duplicate'
  | 'held-out'
  | 'evaluation-overlap'
  | 'not-text'
  | 'personal-data'
  | 'not-drawn'

export interface Demonstration {
  inference: InferenceRow
  completion: string
  signal: FeedbackPayload['type']
  /** Feedback rows that say so. */
  feedback: FeedbackRow[]
}

export type Decision = { kept: Demonstration } | { dropped: DropReason }

/** Signals that carry the right answer, the most trusted first: people's labels, agents' corrections, users' edits. */
const REPLACEMENTS = ['label', 'correction', 'edit'] as const

/**
 * Decides what an inference demonstrates: a replacement answer wins over the given one, the newest of the most
 * trusted kind; the given answer counts when somebody accepted it and nobody rejected it.
 */
export function decideDemonstration(inference: InferenceRow, feedback: readonly FeedbackRow[]): Decision {
  const newestFirst = feedback.toSorted((a, b) => b.occurredAt.getTime() - a.occurredAt.getTime())
  for (const type of REPLACEMENTS) {
    const replacement = newestFirst.find((row) => row.payload.type === type)
    if (!replacement || !('value' in replacement.payload)) continue
    const completion = String(replacement.payload.value).trim()
    if (completion === '') return { dropped: 'no-answer' }
    return { kept: { inference, completion, signal: type, feedback: [replacement] } }
  }
  const approving = newestFirst.filter(({ payload }) => payload.type === 'accept' || isThumbs(payload, 1))
  const rejecting = newestFirst.some(({ payload }) => isThumbs(payload, -1))
  if (approving.length === 0) return { dropped: rejecting ? 'rejected-without-replacement' : 'no-signal' }
  if (rejecting) return { dropped: 'contradictory-signals' }
  const completion = inference.payload.response?.trim()
  if (!completion) return { dropped: 'no-answer' }
  return { kept: { inference, completion, signal: approving[0]!.payload.type, feedback: approving } }
}

function isThumbs(payload: FeedbackPayload, value: 1 | -1): boolean {
  return payload.type === 'thumbs' && payload.value === value
}

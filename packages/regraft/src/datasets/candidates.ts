import type { PiiKind } from '@regraft/methods'
import type { FeedbackPayload, FeedbackRow, InferenceRow, Message } from '../store/types.ts'
import { type Demonstration, type DropReason, decideDemonstration } from './demonstrations.ts'

/** What a snapshot's examples are: answers to learn, pairs of answers, or answers marked good or bad. */
export const EXAMPLE_KINDS = ['demonstrations', 'preferences', 'desirability'] as const
export type ExampleKind = (typeof EXAMPLE_KINDS)[number]

/** One example that an inference makes. */
export type ExampleBody =
  | { completion: string }
  | { kind: 'preference'; chosen: string; rejected: string }
  | { kind: 'desirability'; completion: string; label: boolean }

/** An inference with the examples that it makes: one, or two where a bad answer was replaced by a good one. */
export interface Candidate {
  inference: InferenceRow
  signal: FeedbackPayload['type']
  /** Feedback rows that say so. */
  feedback: FeedbackRow[]
  examples: ExampleBody[]
  /** The conversation up to the answer, where a stage has changed it; else the inference's own. */
  messages?: Message[]
  /** See SnapshotRow. */
  probability?: number
  weight?: number
  propensity?: number
  /** Kinds of personal data that were found in it. */
  pii?: PiiKind[]
}

type CandidateDecision = { kept: Candidate } | { dropped: DropReason }

/** Decides what an inference says to learn, in the form that a kind of snapshot holds. */
export const DECISIONS: Record<
  ExampleKind,
  (inference: InferenceRow, feedback: readonly FeedbackRow[]) => CandidateDecision
> = {
  demonstrations(inference, feedback) {
    const decision = decideDemonstration(inference, feedback)
    if ('dropped' in decision) return decision
    return candidate(decision.kept, [{ completion: decision.kept.completion }])
  },

  /** The replacement is preferred to the answer that was given, where the two differ. */
  preferences(inference, feedback) {
    const decision = decideDemonstration(inference, feedback)
    if ('dropped' in decision) return decision
    const { completion: chosen, signal } = decision.kept
    if (!REPLACING.includes(signal)) return { dropped: 'no-alternative' }
    const rejected = inference.payload.response?.trim()
    if (!rejected) return { dropped: 'no-answer' }
    if (rejected === chosen) return { dropped: 'same-answer' }
    return candidate(decision.kept, [{ kind: 'preference', chosen, rejected }])
  },

  /** Accepted answers and replacements are good; replaced answers, and rejected ones, are bad. */
  desirability(inference, feedback) {
    const given = inference.payload.response?.trim()
    const rated = (completion: string, label: boolean): ExampleBody => {
      return { kind: 'desirability', completion, label }
    }
    const decision = decideDemonstration(inference, feedback)
    if ('kept' in decision) {
      const { completion, signal } = decision.kept
      const replaced = REPLACING.includes(signal) && given && given !== completion
      return candidate(decision.kept, [rated(completion, true), ...(replaced ? [rated(given, false)] : [])])
    }
    if (decision.dropped !== 'rejected-without-replacement') return decision
    if (!given) return { dropped: 'no-answer' }
    const rejecting = feedback.filter(({ payload }) => payload.type === 'thumbs' && payload.value === -1)
    return { kept: { inference, signal: 'thumbs', feedback: rejecting, examples: [rated(given, false)] } }
  },
}

const REPLACING: readonly FeedbackPayload['type'][] = ['label', 'correction', 'edit']

function candidate({ inference, signal, feedback }: Demonstration, examples: ExampleBody[]) {
  return { kept: { inference, signal, feedback, examples } }
}

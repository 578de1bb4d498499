import type { Fault, FeedbackPayload, FeedbackRow, InferenceRow } from '../store/types.ts'
import type { RuleName } from './rules/index.ts'
import type { SignalFlag } from './signal.ts'

/** What a snapshot's examples are: answers to learn, pairs of answers, or answers marked good or bad. */
export const EXAMPLE_KINDS = ['demonstrations', 'preferences', 'desirability'] as const
export type ExampleKind = (typeof EXAMPLE_KINDS)[number]

/** What an example teaches. */
export type ExampleBody =
  | { completion: string }
  | { kind: 'preference'; chosen: string; rejected: string }
  | { kind: 'desirability'; completion: string; label: boolean }

/** What an example rests on. */
export interface Provenance {
  rule: RuleName
  /** Id of the compiled signal: a person can judge it. */
  signal: string
  feedback: FeedbackRow[]
  /** Other inferences whose answers take part. */
  others: string[]
  fault: Fault | null
  flags: SignalFlag[]
  /** Probability that the signal is right; absent for a rule that has not been calibrated. */
  probability?: number
  /** How much the rule's examples weigh beside others, where that is not 1. */
  weight?: number
}

export type CompiledExample = ExampleBody & { from?: Provenance }

/** An inference with the examples that it makes. */
export interface CompiledRow {
  inference: InferenceRow
  /** The most trusted of the events that they rest on; 'teacher' for what an adapter was asked for. */
  signal: FeedbackPayload['type'] | 'teacher'
  /** Feedback rows of all of them. */
  feedback: FeedbackRow[]
  examples: CompiledExample[]
  /** Probability with which the row came to bear feedback, where it could be estimated or was logged. */
  propensity?: number
}

/** Why an inference makes no example. */
export type SignalDropReason =
  | 'no-signal'
  | 'rejected-without-replacement'
  | 'contradictory-signals'
  | 'no-answer'
  | 'no-alternative'
  | 'same-answer'
  | 'said-wrong'
  | 'uncalibrated'
  | 'below-threshold'

export type CompiledDecision = { kept: CompiledRow } | { dropped: SignalDropReason }

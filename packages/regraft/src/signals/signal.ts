import type { Fault, FeedbackRow, InferenceRow } from '../store/types.ts'
import type { RuleName } from './rules/index.ts'

/** What somebody's events say about an answer. */
export type Claim =
  /** `chosen` is the right answer; `rejected` the one that was given, where there was one. */
  | { form: 'replacement'; chosen: string; rejected: string | null }
  /** `chosen` is better than `rejected`: neither is said to be right. */
  | { form: 'comparison'; chosen: string; rejected: string }
  /** The answer that was given is good, or bad. */
  | { form: 'rating'; answer: string; good: boolean }

/**
 * `small-edit`: chosen and rejected hardly differ, and the likelihood of both may fall under DPO: train with an SFT term.
 * `replaced`: what was left of the answer is too little to be called an edit.
 * `said-wrong`: the answer that would be learned is one that somebody called wrong, so nothing may teach it.
 */
export type SignalFlag = 'small-edit' | 'replaced' | 'said-wrong'

/** What a rule makes of an inference and the feedback about it. */
export interface Signal {
  /** Follows from the rule, the inference, the answer and the events, so that a person can judge it. */
  id: string
  rule: RuleName
  inference: InferenceRow
  /** The answer of the inference that is meant, by its index. */
  candidate: number
  /** Feedback rows that say so, and other inferences that took part. */
  feedback: FeedbackRow[]
  others: string[]
  claim: Claim
  /** Whether the answer is said to be wrong, or right and unwelcome; null where nobody has said it. */
  fault: Fault | null
  flags: SignalFlag[]
}

/** What a rule gives; the rest is filled in. */
export interface SignalDraft
  extends Pick<Signal, 'feedback' | 'claim'>,
    Partial<Pick<Signal, 'candidate' | 'others' | 'flags'>> {
  /** What tells it from other signals of the rule about the same answer; else the first event. */
  identity?: string
}

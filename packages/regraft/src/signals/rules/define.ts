import type { FeedbackPayload, FeedbackRow, InferenceRow } from '../../store/types.ts'
import type { SignalDraft } from '../signal.ts'

/** What a rule may look at. */
export interface RuleInput {
  inference: InferenceRow
  /** Feedback about the inference, newest first. */
  feedback: readonly FeedbackRow[]
  /** Another inference that took part in these events, with the feedback about it; null where it is not in the traffic. */
  find(id: string): { inference: InferenceRow; feedback: readonly FeedbackRow[] } | null
  /** Ids of the calls that repeat the prompt of this one in its conversation, or for its subject, later; oldest first. */
  repeats(): readonly string[]
}

/**
 * What a rule rests on, which decides where it counts before it has been calibrated: `gold` (people's labels) and
 * `statement` (somebody wrote the right answer) everywhere and in demonstrations, `approval` in demonstrations, where it is
 * marked, and `behaviour` nowhere.
 */
export type Basis = 'gold' | 'statement' | 'approval' | 'behaviour'

export interface Rule<Name extends string = string> {
  name: Name
  /** The events that it reads. */
  event: FeedbackPayload['type']
  basis: Basis
  /** What it concludes, in one sentence. */
  summary: string
  /** How much an example on it weighs beside others, before propensities. Default 1. */
  weight?: number
  signals(input: RuleInput): SignalDraft[]
}

/** Declares a rule of the signal compiler. */
export function defineRule<const Name extends string>(rule: Rule<Name>): Rule<Name> {
  return rule
}

/** The members of the union that may bear the type: some stand for several types. */
type PayloadOf<Type, Payload = FeedbackPayload> = Payload extends { type: infer Types }
  ? Type extends Types
    ? Payload
    : never
  : never
type EventOf<Type extends FeedbackPayload['type']> = FeedbackRow & { payload: PayloadOf<Type> }

/** The events of one type, newest first. */
export function eventsOf<Type extends FeedbackPayload['type']>(
  { feedback }: RuleInput,
  type: Type,
): EventOf<Type>[] {
  return feedback.filter((row): row is EventOf<Type> => row.payload.type === type)
}

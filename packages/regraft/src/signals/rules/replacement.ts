import type { FeedbackRow } from '../../store/types.ts'
import { answerOf, candidateOf } from '../answers.ts'
import type { SignalDraft } from '../signal.ts'
import { eventsOf, type RuleInput } from './define.ts'

/** The newest event of a kind that carries the right answer, as the replacement of the answer that it is about. */
export function newestReplacement(
  input: RuleInput,
  type: 'label' | 'correction' | 'edit',
  accepts: (event: FeedbackRow & { payload: { value: string } }) => boolean = () => true,
): SignalDraft[] {
  const event = eventsOf(input, type).find((row) =>
    accepts(row as FeedbackRow & { payload: { value: string } }),
  )
  if (!event) return []
  const candidate = candidateOf(event)
  const chosen = (event.payload as { value: string }).value.trim()
  const rejected = answerOf(input.inference, candidate)
  return [{ candidate, feedback: [event], claim: { form: 'replacement', chosen, rejected } }]
}

/** Ratings of the answers that events of a kind are about, one for each answer. */
export function ratings(input: RuleInput, events: readonly FeedbackRow[], good: boolean): SignalDraft[] {
  return [...Map.groupBy(events, candidateOf)].map(([candidate, feedback]) => {
    const answer = answerOf(input.inference, candidate) ?? ''
    return { candidate, feedback, identity: '', claim: { form: 'rating', answer, good } }
  })
}

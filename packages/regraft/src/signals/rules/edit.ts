import { normalizedEditDistance } from '@regraft/methods'
import type { FeedbackRow } from '../../store/types.ts'
import { answerOf, candidateOf } from '../answers.ts'
import { defineRule, type RuleInput } from './define.ts'
import { newestReplacement } from './replacement.ts'

/** Below this share of changed characters the user approved of the answer † (SPEC §7). */
const APPROVED = 0.1
/** Above it the answer was replaced, not edited † (SPEC §7). */
const REPLACED = 0.6
/** The distance costs the product of the lengths; the beginnings of longer texts stand for them. */
const CHARACTERS = 4000

export const edit = defineRule({
  name: 'edit',
  event: 'edit',
  basis: 'statement',
  summary: 'What the user made of the answer is better than the answer',
  signals: (input) =>
    newestReplacement(input, 'edit', (event) => distanceOf(input, event) >= APPROVED).map((draft) => {
      const distance = distanceOf(input, draft.feedback[0] as TextEvent)
      return distance > REPLACED ? { ...draft, flags: ['replaced' as const] } : draft
    }),
})

export const smallEdit = defineRule({
  name: 'small-edit',
  event: 'edit',
  basis: 'statement',
  summary: 'A user who changed next to nothing approved of the answer, and prefers the edited text',
  signals: (input) =>
    newestReplacement(input, 'edit', (event) => distanceOf(input, event) < APPROVED).map((draft) => {
      return { ...draft, flags: ['small-edit' as const] }
    }),
})

type TextEvent = FeedbackRow & { payload: { value: string } }

/** Without an answer that was given there is nothing to be near to. */
function distanceOf({ inference }: RuleInput, event: TextEvent): number {
  const given = answerOf(inference, candidateOf(event))
  if (given === null) return 1
  return normalizedEditDistance(given.slice(0, CHARACTERS), event.payload.value.trim().slice(0, CHARACTERS))
}

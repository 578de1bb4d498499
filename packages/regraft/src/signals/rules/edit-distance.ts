import { normalizedEditDistance } from '@regraft/methods'
import type { FeedbackRow } from '../../store/types.ts'
import { answerOf, candidateOf } from '../answers.ts'
import type { RuleInput } from './define.ts'

/** Below this share of changed characters the user approved of the answer † (SPEC §7). */
export const APPROVED = 0.1
/** Above it the answer was replaced, not edited † (SPEC §7). */
export const REPLACED = 0.6
/** The distance costs the product of the lengths; the beginnings of longer texts stand for them. */
const CHARACTERS = 4000

export type TextEvent = FeedbackRow & { payload: { value: string } }

/** Without an answer that was given there is nothing to be near to. */
export function distanceOf({ inference }: RuleInput, event: TextEvent): number {
  const given = answerOf(inference, candidateOf(event))
  if (given === null) return 1
  return normalizedEditDistance(given.slice(0, CHARACTERS), event.payload.value.trim().slice(0, CHARACTERS))
}

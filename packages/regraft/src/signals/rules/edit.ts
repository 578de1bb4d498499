import { defineRule } from './define.ts'
import { APPROVED, distanceOf, REPLACED, type TextEvent } from './edit-distance.ts'
import { newestReplacement } from './replacement.ts'

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

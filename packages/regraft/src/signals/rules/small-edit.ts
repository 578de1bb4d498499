import { defineRule } from './define.ts'
import { APPROVED, distanceOf } from './edit-distance.ts'
import { newestReplacement } from './replacement.ts'

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

import { defineRule, eventsOf } from './define.ts'
import { ratings } from './replacement.ts'

export const thumbsUp = defineRule({
  name: 'thumbs-up',
  event: 'thumbs',
  basis: 'approval',
  summary: 'An answer with a thumb up is good',
  signals: (input) =>
    ratings(
      input,
      eventsOf(input, 'thumbs').filter(({ payload }) => payload.value === 1),
      true,
    ),
})

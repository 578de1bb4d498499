import { defineRule, eventsOf } from './define.ts'
import { ratings } from './replacement.ts'

export const thumbsDown = defineRule({
  name: 'thumbs-down',
  event: 'thumbs',
  basis: 'behaviour',
  summary: 'An answer with a thumb down is bad: wrong or unwelcome, where the user says which',
  signals: (input) =>
    ratings(
      input,
      eventsOf(input, 'thumbs').filter(({ payload }) => payload.value === -1),
      false,
    ),
})

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

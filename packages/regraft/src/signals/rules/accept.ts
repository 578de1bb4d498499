import { defineRule, eventsOf } from './define.ts'
import { ratings } from './replacement.ts'

export const accept = defineRule({
  name: 'accept',
  event: 'accept',
  basis: 'approval',
  summary: 'An answer that was accepted is good',
  signals: (input) => ratings(input, eventsOf(input, 'accept'), true),
})

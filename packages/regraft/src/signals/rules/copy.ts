import { defineRule, eventsOf } from './define.ts'
import { ratings } from './replacement.ts'

export const copy = defineRule({
  name: 'copy',
  event: 'copy',
  basis: 'behaviour',
  summary: 'An answer that was copied is good',
  signals: (input) => ratings(input, eventsOf(input, 'copy'), true),
})

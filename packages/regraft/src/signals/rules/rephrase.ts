import { WEAK } from './abandon.ts'
import { defineRule, eventsOf } from './define.ts'
import { ratings } from './replacement.ts'

export const rephrase = defineRule({
  name: 'rephrase',
  event: 'rephrase',
  basis: 'behaviour',
  weight: WEAK,
  summary: 'An answer after which the user asked again in other words is, weakly, bad',
  signals: (input) => ratings(input, eventsOf(input, 'rephrase'), false),
})

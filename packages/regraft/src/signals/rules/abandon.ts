import { defineRule, eventsOf } from './define.ts'
import { ratings } from './replacement.ts'

/** Leaving says little: such an example weighs half † before propensities. */
export const WEAK = 0.5

export const abandon = defineRule({
  name: 'abandon',
  event: 'abandon',
  basis: 'behaviour',
  weight: WEAK,
  summary: 'An answer after which the user left is, weakly, bad',
  signals: (input) => ratings(input, eventsOf(input, 'abandon'), false),
})

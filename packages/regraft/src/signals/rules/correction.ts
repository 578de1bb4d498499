import { defineRule } from './define.ts'
import { newestReplacement } from './replacement.ts'

export const correction = defineRule({
  name: 'correction',
  event: 'correction',
  basis: 'statement',
  summary: "An agent's correction is the right answer, and better than the one that was given",
  signals: (input) => newestReplacement(input, 'correction'),
})

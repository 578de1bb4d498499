import { defineRule } from './define.ts'
import { newestReplacement } from './replacement.ts'

export const label = defineRule({
  name: 'label',
  event: 'label',
  basis: 'gold',
  summary: "A person's label is the right answer, and better than another one that was given",
  signals: (input) => newestReplacement(input, 'label'),
})

import { defineRule } from './define.ts'

/** Free text may praise or blame: it is kept for people to read, and trains nothing. */
export const comment = defineRule({
  name: 'comment',
  event: 'comment',
  basis: 'behaviour',
  summary: 'A comment says nothing that a rule could read',
  signals: () => [],
})

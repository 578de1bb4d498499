// How the answers to a suite are scored, with the options of each kind: read from regraft.yaml, and recorded as parameters
// of the step that scores.
import { z } from 'zod'

const LabelMatch = z
  .strictObject({ kind: z.literal('label-match') })
  .describe('equal to the expected answer but for outer white space, case and a closing full stop')

export const Scorer = z.discriminatedUnion('kind', [LabelMatch]).describe('how answers are scored')
/** The settings of a scorer, complete. */
export type ScorerSettings = z.output<typeof Scorer>

export const SuiteSettings = z
  .strictObject({
    scorer: Scorer.prefault({ kind: 'label-match' }),
    maxTokens: z.int().min(1).max(4096).default(24).describe('longest answer, in tokens †'),
  })
  .describe('how models answer a sealed evaluation suite, and how that is scored')

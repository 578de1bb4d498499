// How the answers to a suite are scored, with the options of each kind: read from regraft.yaml, and recorded as parameters
// of the step that scores.
import { z } from 'zod'

const correctFrom = (standard: number) =>
  z.number().gt(0).max(1).default(standard).describe('score from which on an answer counts as right †')

const LabelMatch = z
  .strictObject({ kind: z.literal('label-match') })
  .describe('equal to the expected answer but for outer white space, case and a closing full stop')

const MultipleChoice = z
  .strictObject({
    kind: z.literal('multiple-choice'),
    normalise: z
      .boolean()
      .default(false)
      .describe('divide the log-probability of a choice by its number of tokens'),
  })
  .describe('the choice of the highest log-probability; nothing is generated')

const Regex = z
  .strictObject({
    kind: z.literal('regex'),
    pattern: z.string().min(1).describe('regular expression of JavaScript that the answer must match'),
    flags: z
      .string()
      .regex(/^[imsu]*$/, 'expected some of i, m, s and u')
      .default('u')
      .describe('i ignores case, m lets ^ and $ match at lines, s lets . match line breaks, u means Unicode'),
    compare: z
      .boolean()
      .default(false)
      .describe('compare what the first group caught with the expected answer, as label-match does'),
  })
  .superRefine(({ pattern, flags, compare }, context) => {
    const problem = patternProblem(pattern, flags, compare)
    if (problem) context.addIssue({ code: 'custom', path: ['pattern'], message: problem })
  })
  .describe('matches a regular expression')

const JsonSchema = z
  .strictObject({
    kind: z.literal('json-schema'),
    schema: z
      .union([z.record(z.string(), z.unknown()), z.boolean()])
      .describe('a JSON Schema, 2020-12 unless its $schema says draft-07'),
    compare: z
      .boolean()
      .default(false)
      .describe('the value must also equal that of the expected answer, whatever the order of members'),
  })
  .describe('is JSON (in a code fence or bare) that a JSON Schema accepts')

const Numeric = z
  .strictObject({
    kind: z.literal('numeric'),
    absolute: z.number().nonnegative().default(0).describe('how far the number may be off'),
    relative: z
      .number()
      .nonnegative()
      .default(0)
      .describe('how far it may be off as a share of the expected number'),
    decimal: z
      .enum(['point', 'comma'])
      .default('point')
      .describe('what stands before decimals; the other mark groups thousands'),
  })
  .describe('its last number is the expected one, within a tolerance')

const ReferenceSimilarity = z
  .strictObject({
    kind: z.literal('reference-similarity'),
    measure: z
      .enum(['chrf', 'rouge-l'])
      .default('chrf')
      .describe('character n-grams (Popović 2015), or the longest common subsequence of words (Lin 2004)'),
    correctFrom: correctFrom(0.5),
  })
  .describe('how much of its wording it shares with the expected answer')

export const JudgeScorer = z
  .strictObject({
    kind: z.literal('judge'),
    judge: z.string().min(1).describe('name of an entry of judges'),
    rubric: z.string().trim().min(1).describe('what a grade depends on; the judge reads it'),
    lowest: z.int().default(1).describe('the worst grade'),
    highest: z.int().default(5).describe('the best grade'),
    correctFrom: correctFrom(0.75),
  })
  .refine(({ lowest, highest }) => lowest < highest, {
    path: ['highest'],
    error: 'the best grade must lie above the worst one',
  })
  .describe('graded by another model, which reads question, expected answer and answer')

export const PairwiseScorer = z
  .strictObject({
    kind: z.literal('pairwise'),
    judge: z.string().min(1).describe('name of an entry of judges'),
    rubric: z
      .string()
      .trim()
      .min(1)
      .default('The better answer is the one that is right; of two right ones, the one that helps more.')
      .describe('what makes an answer better; the judge reads it'),
  })
  .describe('compared with the answer of the other model by a judge, in both orders')

const OWN_SCORERS = [LabelMatch, MultipleChoice, Regex, JsonSchema, Numeric, ReferenceSimilarity] as const

/** Scorers that ask nobody else. */
export const OwnScorer = z.discriminatedUnion('kind', OWN_SCORERS)
export type OwnScorerSettings = z.output<typeof OwnScorer>

export const Scorer = z
  .discriminatedUnion('kind', [...OWN_SCORERS, JudgeScorer, PairwiseScorer])
  .describe('how answers are scored')
/** The settings of a scorer, complete. */
export type ScorerSettings = z.output<typeof Scorer>

export const SuiteSettings = z
  .strictObject({
    scorer: Scorer.prefault({ kind: 'label-match' }),
    maxTokens: z.int().min(1).max(4096).default(24).describe('longest answer, in tokens †'),
  })
  .describe('how models answer a sealed evaluation suite, and how that is scored')

function patternProblem(pattern: string, flags: string, compare: boolean): string | null {
  try {
    // An empty alternative makes it match, and shows how many groups there are.
    const groups = new RegExp(`${pattern}|`, flags).exec('')!.length - 1
    return compare && groups === 0 ? 'compare needs a group, such as Answer: (.*)' : null
  } catch (error) {
    return `is no regular expression: ${(error as Error).message}`
  }
}

import { basename } from 'node:path'
import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { commandLine, defineOperation, LocalPath, requireLocal } from '../operation/index.ts'
import { renderVerdict, VerdictOutput } from '../verdict/index.ts'
import { compare } from './comparison.ts'
import type { MeasuredItem } from './measurement.ts'
import { readScores, type ScoreFile } from './read-scores.ts'
import { describeMargin, describeSide, unitOf } from './requirements/describe.ts'
import {
  type Draft,
  decideRequirement,
  type Evidence,
  type Rules,
  scoredPairs,
  withRerun,
} from './requirements/index.ts'

const SUITE = 'files'

const SHOWN = ['superior', 'not-inferior', 'equivalent'] as const
type Show = (typeof SHOWN)[number]

const CompareInput = z.object({
  a: LocalPath.describe('scores of the one that is judged: a line per item, or CSV'),
  b: LocalPath.describe('scores of what it is compared with, on the same items'),
  show: z.enum(SHOWN).optional().describe('what decides; else not-inferior with --margin, superior without'),
  margin: z
    .number()
    .positive()
    .optional()
    .describe('loss that would still be accepted, in the unit of the scores; else gates.margin'),
  critical: z
    .array(z.string().regex(/^[^=]+=.+$/, 'expected name=value, such as slice=phone'))
    .default([])
    .describe('slices that must not be inferior either'),
  alpha: z.number().positive().max(0.5).optional().describe('one-sided error; else gates.alpha'),
})

/** Two files of per-item scores are compared as a gate compares, without a store. */
export const compareOperation = defineOperation({
  name: 'gates compare',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  offline: true,
  summary: 'Compare two files of per-item scores: better, no worse, equivalent, and how many items it takes',
  input: CompareInput,
  output: z.object({
    verdict: VerdictOutput,
    others: z.array(VerdictOutput).describe('what the same items say to the other questions'),
    unpaired: z.object({ a: z.int(), b: z.int() }).describe('items that only one of the files has'),
  }),
  positionals: ['a', 'b'],
  example: 'regraft gates compare new.jsonl old.jsonl --margin 0.02 --critical slice=phone',
  outcome: ({ verdict }) => verdict.outcome,
  render: ({ verdict, others }) =>
    [
      renderVerdict(verdict),
      ...others.map((other) => renderVerdict({ ...other, evidence: [], rerun: '' })),
    ].join('\n'),
  async run(context, input) {
    requireLocal(context, 'regraft gates compare')
    const { gates } = context.config
    const files = [
      { path: input.a, file: await readScores(input.a) },
      { path: input.b, file: await readScores(input.b) },
    ] as const
    requireOneUnit(files)
    const [a, b] = files.map(({ file }) => file.items) as [MeasuredItem[], MeasuredItem[]]
    const margin = input.margin ?? gates.margin
    const rules = { alpha: input.alpha ?? gates.alpha, look: null, margin, gap: gates.gap }
    const evidence = evidenceOf({ path: input.a, items: a }, { path: input.b, items: b })
    const paired = scoredPairs(evidence, 'base', SUITE).items.length
    if (paired === 0) {
      throw new RegraftError('invalid-input', 'the files have no item in common', {
        hint: 'the same item bears the same id in both files',
      })
    }
    const drafts: Record<Show, Draft> = {
      superior: decideRequirement({ require: 'superior', to: 'base', expected: margin }, evidence, rules)!,
      'not-inferior': decideRequirement(
        { require: 'not-inferior', to: 'base', margin, critical: input.critical },
        evidence,
        rules,
      )!,
      equivalent: decideEquivalent(evidence, margin, rules),
    }
    const show =
      input.show ?? (input.margin === undefined && input.critical.length === 0 ? 'superior' : 'not-inferior')
    const rerun = commandLine(compareOperation, { ...input, show, margin, alpha: rules.alpha })
    const { [show]: asked, ...rest } = drafts
    const unpaired = { a: a.length - paired, b: b.length - paired }
    const reason = asked.reason + describeUnpaired(unpaired)
    return {
      verdict: withRerun({ ...asked, reason }, rerun),
      others: Object.values<Draft>(rest).map((draft) => withRerun(draft, rerun)),
      unpaired,
    }
  },
})

/** Right and wrong beside scores that are something else are two units: their difference means nothing. */
function requireOneUnit(files: readonly { path: string; file: ScoreFile }[]): void {
  const graded = files.find(({ file }) => file.items.some(({ score }) => score !== 0 && score !== 1))
  const binary = files.find(({ file }) => file.saysCorrect)
  if (!graded || !binary) return
  throw new RegraftError(
    'invalid-input',
    `${basename(binary.path)} says what is correct and ${basename(graded.path)} gives scores: they have no unit in common`,
    { hint: 'give score, or correct, in every line of both files' },
  )
}

/** Items that one side was never asked are part of the verdict: a file that lost its hard ones looks better than it is. */
function describeUnpaired({ a, b }: { a: number; b: number }): string {
  if (a + b === 0) return ''
  return `; left out are ${a} items that only the first file has and ${b} that only the second has: what the other side would answer is not known`
}

function evidenceOf(
  a: { path: string; items: MeasuredItem[] },
  b: { path: string; items: MeasuredItem[] },
): Evidence {
  const missing = (): never => {
    throw new RegraftError('internal', 'files hold scores only')
  }
  return {
    scope: { suite: SUITE, fresh: null, hasIncumbent: false },
    names: { candidate: basename(a.path), base: basename(b.path), incumbent: '' },
    screening: () => null,
    ...{ suites: {}, snapshot: null, likelihood: missing, latency: missing, distance: missing },
    scores(model) {
      const { path, items } = model === 'candidate' ? a : b
      const about = { suite: SUITE, base: '', adapter: null, maxTokens: null }
      return {
        digest: path,
        value: { measures: 'suite-scores', ...about, scorer: { kind: 'label-match' }, items },
      }
    },
  }
}

function decideEquivalent(evidence: Evidence, margin: number, rules: Rules): Draft {
  const { names } = evidence
  const { items, digests } = scoredPairs(evidence, 'base', SUITE)
  const { power, ...compared } = compare(items, { ask: 'equivalent', margin }, rules)
  return {
    ...compared,
    title: `as good as ${names.base}, either way`,
    reason: `${describeSide(names.candidate, items, 'candidate')} against ${describeSide(names.base, items, 'other')}; ${describeMargin(items, margin)}`,
    unit: unitOf(items),
    power: { value: power, alternative: 'no difference' },
    evidence: digests,
  }
}

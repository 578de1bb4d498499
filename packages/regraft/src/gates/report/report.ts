import { z } from 'zod'
import { shortDigest } from '../../lineage/index.ts'
import { checkScope, defineOperation, OutputText } from '../../operation/index.ts'
import { renderVerdict, VerdictOutput } from '../../verdict/index.ts'
import { revealDiscordant } from './discordant.ts'
import { gatherFacts, readVerdict } from './gather-facts.ts'
import { percent } from './numbers.ts'
import { reportPage } from './page.ts'

const Score = z.object({
  model: z.string(),
  suite: z.string(),
  scorer: z.string(),
  n: z.int(),
  right: z.int(),
  accuracy: z.number(),
  low: z.number(),
  high: z.number(),
})

/** A verdict for people who were not there: terminal, JSON, or one HTML file. */
export const reportOperation = defineOperation({
  name: 'gates report',
  effect: 'write',
  scope: 'read',
  mode: 'call',
  summary:
    'Write a verdict as one HTML page with plots; with --items also items that were answered differently',
  input: z.object({
    verdict: z.string().describe('digest of a verdict of a gate, of a drill or of forms'),
    items: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe(
        'show so many discordant items, which burns them: no later evaluation counts them; needs the scope admin',
      ),
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('shown in a report')
      .describe('why items must be seen; kept in the log of the vault'),
  }),
  output: z.object({
    record: z.string().describe('digest of the verdict'),
    verdict: VerdictOutput,
    scores: z.array(Score),
    burned: z.array(z.object({ suite: z.string(), item: z.string() })).describe('items that the page shows'),
    out: OutputText.describe('the page'),
  }),
  positionals: ['verdict'],
  example: 'regraft gates report 5e1f0c8a2b47 --out report.html',
  confirm: ({ items }) =>
    items === undefined
      ? null
      : `This shows up to ${items} sealed items to a person and burns them: no later evaluation counts them. Show them?`,
  render({ verdict, scores, burned, out }) {
    const rows = scores.map(({ model, suite, accuracy, low, high, n }) => {
      return `  ${model} on ${suite}  ${percent(accuracy)} [${percent(low)}, ${percent(high)}], n ${n}`
    })
    const seen = burned.length === 0 ? [] : [`${burned.length} items were shown and burned`]
    const page = out.text === '' ? [] : ['--out report.html writes the page']
    return [renderVerdict(verdict), ...rows, ...seen, ...page].join('\n')
  },
  async run(context, input) {
    const { store, principal } = context
    if (input.items !== undefined) checkScope(principal, 'admin')
    const found = await readVerdict(store, input.verdict)
    const { measured, ...facts } = await gatherFacts(store, found)
    const { adapter } = found.record
    const items =
      input.items === undefined
        ? null
        : await revealDiscordant(context, facts.verdict, measured, {
            ...{ most: input.items, reason: input.reason },
            candidate: typeof adapter === 'string' ? adapter : null,
          })
    return {
      ...{ record: facts.record, verdict: facts.verdict, scores: facts.scores },
      burned: (items ?? []).map(({ suite, id }) => ({ suite, item: id })),
      out: { name: `report-${shortDigest(facts.record)}.html`, text: reportPage({ ...facts, items }) },
    }
  },
})

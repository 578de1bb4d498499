import { z } from 'zod'
import type { SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import { commandLine, defineOperation } from '../operation/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import { AdapterChoice, LongestAnswer } from './choices.ts'
import { findAdapter, requireSnapshotOf, scoreOf, scoringOf } from './find-adapter.ts'
import { type GapRecord, judgeGap } from './judge-gap.ts'
import { measureModel, warnOfLeftOut } from './measure.ts'

const Score = z.object({ accuracy: z.number(), low: z.number(), high: z.number() })

/** The score on the frozen suite is compared with that on rows that nobody has met yet. */
export const gapOperation = defineOperation({
  name: 'gates gap',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary:
    'Compare an adapter on the frozen and on the fresh suite of its snapshot, and raise the alarm on a gap',
  input: z.object({
    adapter: AdapterChoice,
    maxTokens: LongestAnswer,
  }),
  output: z.object({
    adapter: z.string(),
    record: z.string().describe('digest of the verdict'),
    frozen: Score.extend({ suite: z.string() }),
    fresh: Score.extend({ suite: z.string() }),
    verdict: z.custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value),
  }),
  positionals: ['adapter'],
  example: 'regraft gates gap',
  render: ({ verdict }) => renderVerdict(verdict),
  async run(context, { adapter: wanted, maxTokens }) {
    const { store, signal, config } = context
    const adapter = await findAdapter(context, wanted)
    const record = await store.artifacts.read<AdapterRecord>(adapter)
    const { base } = record
    const { suite, fresh } = await store.artifacts.read<SnapshotManifest>(requireSnapshotOf(record))
    if (fresh === undefined) {
      throw new RegraftError('incompatible', 'the snapshot of the adapter was built without a fresh suite', {
        hint: 'regraft datasets build --fresh 0.1, then train again',
      })
    }
    const suites = { frozen: suite, fresh }
    const name = `adapter ${shortDigest(adapter)}`
    const measured = { frozen: '', fresh: '' }
    const scoring = await scoringOf(context, record, suite, maxTokens)
    for (const role of ['frozen', 'fresh'] as const) {
      await warnOfLeftOut(context, suites[role])
      const model = { name: `${name} on the ${role} suite`, suite: suites[role], base, adapter }
      measured[role] = await measureModel(context, model, scoring)
    }
    const rerun: string = commandLine(gapOperation, { adapter: shortDigest(adapter), maxTokens })
    const judged = await runStep({ project: store, signal }, judgeGap, {
      inputs: Object.entries(measured).map(([role, digest]) => ({ role, digest })),
      parameters: {
        ...{ margin: config.gates.gap, alpha: config.gates.alpha, name },
        rerun,
      },
    })
    const digest = judged.digest('verdict')
    const { verdict } = await store.artifacts.read<GapRecord>(digest)
    return {
      ...{ adapter, record: digest, verdict },
      frozen: { suite, ...(await scoreOf(context, measured.frozen)) },
      fresh: { suite: fresh, ...(await scoreOf(context, measured.fresh)) },
    }
  },
})

import { z } from 'zod'
import { runStep, shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import { commandLine, defineOperation } from '../operation/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import { AdapterChoice } from './choices.ts'
import {
  type ExposureMeasurement,
  type ExposureRecord,
  judgeExposure,
  measureExposure,
} from './exposure-steps.ts'
import { findAdapter, requireSnapshotOf } from './find-adapter.ts'

/** Canaries that an adapter knows show what else it may have learned by heart. */
export const exposureOperation = defineOperation({
  name: 'gates exposure',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Test whether an adapter has learned the canaries of its snapshot by heart',
  input: z.object({
    adapter: AdapterChoice,
    alternatives: z
      .int()
      .min(15)
      .max(4095)
      .default(255)
      .describe('secrets of the same form that each canary is ranked among'),
    noticed: z
      .number()
      .min(1.6)
      .max(12)
      .default(3)
      .describe('mean exposure in bits that must not go unseen †'),
    seed: z.int().default(1).describe('seed of the alternatives'),
  }),
  output: z.object({
    adapter: z.string(),
    record: z.string().describe('digest of the verdict'),
    canaries: z.array(z.object({ prompt: z.string(), rank: z.int() })),
    verdict: z.custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value),
  }),
  positionals: ['adapter'],
  example: 'regraft gates exposure',
  render: ({ verdict }) => renderVerdict(verdict),
  async run(context, input) {
    const { store, signal } = context
    const adapter = await findAdapter(context, input.adapter)
    const record = await store.artifacts.read<AdapterRecord>(adapter)
    const step = measureExposure({
      engines: context.services.evaluationEngines,
      onProgress: (done, total) =>
        context.progress({ stage: 'score canaries', done, total, unit: 'secrets' }),
    })
    const measured = await runStep({ project: store, signal }, step, {
      inputs: [
        { role: 'snapshot', digest: requireSnapshotOf(record) },
        { role: 'base', digest: record.base },
        { role: 'adapter', digest: adapter },
      ],
      parameters: { alternatives: input.alternatives },
      seed: input.seed,
    })
    const measurement = measured.digest('measurement')
    const rerun: string = commandLine(exposureOperation, { ...input, adapter: shortDigest(adapter) })
    const judged = await runStep({ project: store, signal }, judgeExposure, {
      inputs: [{ role: 'measurement', digest: measurement }],
      parameters: {
        alpha: context.config.gates.alpha,
        noticed: input.noticed,
        name: `adapter ${shortDigest(adapter)}`,
        rerun,
      },
    })
    const { verdict } = await store.artifacts.read<ExposureRecord>(judged.digest('verdict'))
    const { canaries } = await store.artifacts.read<ExposureMeasurement>(measurement)
    return { adapter, record: judged.digest('verdict'), canaries, verdict }
  },
})

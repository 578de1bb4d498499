import { storedPrecision } from '@regraft/engine'
import { z } from 'zod'
import { FORMS, type Form, ParitySettings } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type AnyBase, requireLocalBase } from '../models/index.ts'
import {
  commandLine,
  defineOperation,
  LocalPath,
  type OperationContext,
  requireLocal,
} from '../operation/index.ts'
import { renderVerdict, type Verdict, VerdictOutput } from '../verdict/index.ts'
import { AdapterChoice, LongestAnswer, SuiteChoice } from './choices.ts'
import { findAdapter, findSuite } from './find-adapter.ts'
import { gatherMeasurements } from './gather.ts'
import { judgeParity, type ParityRecord } from './judge-parity.ts'
import { planGate } from './plan.ts'

const ParityInput = z.object({
  adapter: AdapterChoice,
  evaluation: SuiteChoice,
  forms: z
    .array(z.enum(FORMS))
    .min(1)
    .optional()
    .describe(
      'what is compared with the adapter at run time on 32-bit floats; else merged, int8, merged-int8 and the form of the base',
    ),
  margin: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('difference on the suite that would still be accepted; else gates.margin'),
  maxTokens: LongestAnswer,
  save: LocalPath.optional().describe(
    'folder to write the merged weights to, in 32-bit floats, unless they differ',
  ),
})

/** One adapter in the forms in which it may be served must answer alike. */
export const parityOperation = defineOperation({
  name: 'gates parity',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary:
    'Compare an adapter applied at run time with its merged and quantised forms, on probes and on the suite',
  input: ParityInput,
  output: z.object({
    adapter: z.string(),
    record: z.string().describe('digest of the verdict'),
    saved: z.string().nullable().describe('folder of the merged weights'),
    verdict: VerdictOutput,
  }),
  positionals: ['adapter'],
  example: 'regraft gates parity --forms merged,int8',
  render: ({ verdict, saved }) =>
    [renderVerdict(verdict), ...(saved ? [`merged weights in ${saved}`] : [])].join('\n'),
  async run(context, input) {
    if (input.save !== undefined) requireLocal(context, 'regraft gates parity')
    const { store, signal, config } = context
    const adapter = await findAdapter(context, input.adapter)
    const record = await store.artifacts.read<AdapterRecord>(adapter)
    const suite = await findSuite(context, record, input.evaluation)
    const { margin } = input
    const forms = input.forms ?? (await usualForms(context, record.base))
    const settings = ParitySettings.parse({ forms, ...(margin === undefined ? {} : { margin }) })
    const gates = { ...config.gates, requirements: [{ require: 'parity' as const, ...settings }] }
    const plan = await planGate({ ...context, config: { ...config, gates } }, adapter, suite, null)
    const gathered = await gatherMeasurements(context, plan, input.maxTokens)
    const names = { candidate: plan.models.candidate!.name, base: plan.models.base!.name, incumbent: null }
    const rerun: string = commandLine(parityOperation, {
      ...input,
      forms,
      save: undefined,
      adapter: shortDigest(adapter),
    })
    const judged = await runStep({ project: store, signal }, judgeParity, {
      inputs: gathered.map(({ role, digest }) => ({ role, digest })),
      parameters: {
        ...{ settings, names, scope: plan.scope, suites: plan.suites },
        ...{ alpha: gates.alpha, margin: gates.margin },
        rerun,
      },
    })
    const digest = judged.digest('verdict')
    const { verdict } = await store.artifacts.read<ParityRecord>(digest)
    const model = { base: record.base, adapter }
    const saved =
      input.save === undefined ? null : await saveMerged(context, model, input.save, verdict.outcome)
    return { adapter, record: digest, saved, verdict }
  },
})

/** The forms of the settings' default, and the one in which the base is decoded as it is stored. */
async function usualForms({ store }: OperationContext, base: string): Promise<(typeof FORMS)[number][]> {
  const stored: Form = storedPrecision(requireLocalBase(await store.artifacts.read<AnyBase>(base)))
  const { forms } = ParitySettings.parse({})
  return stored === 'f32' || forms.includes(stored) ? forms : [...forms, stored]
}

async function saveMerged(
  { store, services }: OperationContext,
  model: { base: string; adapter: string },
  folder: string,
  outcome: Verdict['outcome'],
): Promise<string> {
  if (outcome === 'fail') {
    throw new RegraftError('incompatible', 'the forms differ, so nothing was written', {
      hint: 'regraft gates parity without --save says which',
    })
  }
  await services.evaluationEngines.writeMerged(store, model, folder)
  return folder
}

import { z } from 'zod'
import { runStep } from '../lineage/index.ts'
import { commandLine, defineOperation, type OperationContext } from '../operation/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import type { DrillMeasurements } from './drill/measure.ts'
import { type DrillOutcome, impossible, runDrill } from './drill/run-drill.ts'
import { judgeRebuild, type RebuildFinding, type RebuildRecord } from './judge-rebuild.ts'
import { logDrill } from './log-drill.ts'
import { findMissingInput } from './missing-input.ts'
import { requireRegistration, requireTrained } from './registration.ts'

const RebuildInput = z.object({
  name: z.string().describe('name of the registered adapter'),
  seeds: z
    .int()
    .min(3)
    .max(100)
    .optional()
    .describe('seeds to train where the recorded one does not give the same bytes; else drills.seeds'),
  allSeeds: z.boolean().default(false).describe('train all of them even when it does'),
  offline: z
    .boolean()
    .default(false)
    .describe('copy every input into one folder and demand a root without any other file, and no network'),
  newerSteps: z
    .boolean()
    .default(false)
    .describe('rebuild with the steps of this installation where the recorded version is another'),
})
type Input = z.output<typeof RebuildInput>

/** Trains a registered adapter again from its record alone, and judges what comes out. */
export const rebuildOperation = defineOperation({
  name: 'fleet rebuild',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Rebuild a registered adapter in isolation from its record alone, and judge what comes out',
  input: RebuildInput,
  output: z.object({
    record: z.string().describe('digest of the verdict'),
    adapter: z.string().describe('digest of the registered adapter'),
    rebuilt: z
      .string()
      .nullable()
      .describe('digest of the adapter that the recorded seed gave; null when it was impossible'),
    missing: z
      .object({ kind: z.string(), text: z.string() })
      .nullable()
      .describe('the first input that is missing or changed'),
    seconds: z.number(),
    verdict: z.custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value),
  }),
  positionals: ['name'],
  example: 'regraft fleet rebuild routing --seeds 5',
  render: ({ verdict }) => renderVerdict(verdict),
  async run(context, input) {
    const { store, config, progress, jobId } = context
    const started = performance.now()
    const { digest, registration: current } = await requireRegistration(store, input.name)
    const registration = requireTrained(current)
    const id = jobId ?? crypto.randomUUID()
    progress({ stage: 'look for every input' })
    const { newerSteps } = input
    const missing = await findMissingInput(store, registration, { config, newerSteps })
    const outcome = missing ? impossible(missing) : await runDrill(context, registration, { ...input, id })
    const finding = findingOf(context, input, outcome, (performance.now() - started) / 1000)
    const judged = await runStep({ project: store }, judgeRebuild, {
      inputs: [
        { role: 'registration', digest },
        ...outcome.seeds.map((seed) => ({ role: 'rebuilt', digest: seed.adapter })),
        ...measurementInputs(outcome.measured),
      ],
      parameters: finding,
    })
    const record = judged.digest('verdict')
    const { verdict, seconds } = await store.artifacts.read<RebuildRecord>(record)
    await logDrill(context, { digest, registration }, { action: 'drill', record, verdict, seconds })
    const rebuilt = outcome.seeds[0]?.adapter ?? null
    return { record, adapter: registration.adapter, rebuilt, missing: outcome.missing, seconds, verdict }
  },
})

function measurementInputs(measured: DrillMeasurements | null) {
  if (!measured || 'reason' in measured) return []
  return [
    { role: 'measurement', digest: measured.registered },
    ...measured.rebuilt.map((digest) => ({ role: 'rebuilt-measurement', digest })),
  ]
}

function findingOf(
  { config }: OperationContext,
  input: Input,
  { missing, seeds, measured, isolation, earlier }: DrillOutcome,
  elapsed: number,
): RebuildFinding {
  const seconds = elapsed + earlier
  const price = config.drills.hourlyCost
  return {
    at: new Date().toISOString(),
    seconds,
    cpuSeconds: seeds.reduce((sum, seed) => sum + seed.cpuSeconds, 0),
    cost: price ? { amount: (price.amount * seconds) / 3600, currency: price.currency } : null,
    isolation,
    missing,
    seeds,
    margin: config.drills.margin,
    alpha: config.gates.alpha,
    unmeasured: measured && 'reason' in measured ? measured.reason : null,
    newerSteps: input.newerSteps,
    rerun: commandLine(rebuildOperation, input),
  }
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { recordedVariables } from '../training/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import { createEnclosure } from './drill/enclosure.ts'
import { type DrillMeasurements, measureDrill, whyNotMeasured } from './drill/measure.ts'
import { type Drill, type DrilledSeed, trainSeed } from './drill/train-seed.ts'
import { judgeRebuild, type RebuildFinding, type RebuildRecord } from './judge-rebuild.ts'
import { logDrill } from './log-drill.ts'
import { findMissingInput, type MissingInput, missingInputOf, recordedTraining } from './missing-input.ts'
import { requireRegistration, requireTrained, type TrainedRegistration } from './registration.ts'

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
    const outcome = missing ? nothing(missing) : await drill(context, registration, { ...input, id })
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

interface DrillOutcome {
  missing: MissingInput | null
  seeds: DrilledSeed[]
  /** Null where the bytes say enough. */
  measured: DrillMeasurements | null
  isolation: RebuildFinding['isolation']
  /** Seconds of trainings that an interrupted attempt made. */
  earlier: number
}

function nothing(missing: MissingInput): DrillOutcome {
  return { missing, seeds: [], measured: null, isolation: null, earlier: 0 }
}

/** Trains in isolation: the recorded seed, and the others where they are needed. */
async function drill(
  context: OperationContext,
  registration: TrainedRegistration,
  input: Input & { id: string },
): Promise<DrillOutcome> {
  const { store, config, progress, signal } = context
  const recorded = await recordedTraining(store, registration)
  // Not among the scratch folders, which are swept by age: a drill goes on in its folder, as a training does.
  const folder = join(config.dataDirectory, 'training', `rebuild-${input.id}`)
  progress({ stage: 'isolate' })
  const enclosure = await createEnclosure({
    folder,
    variables: recordedVariables(recorded),
    copies: input.offline,
  })
  if (input.offline) requireOffline(enclosure.isolation)
  const began = Date.now()
  const own: Drill = { id: input.id, recorded, enclosure, newerSteps: input.newerSteps }
  const result: DrillOutcome = {
    ...{ missing: null, seeds: [], measured: null, isolation: enclosure.isolation, earlier: 0 },
  }
  try {
    const first = await trainSeed(context, own)
    result.seeds.push(first)
    if (first.adapter !== registration.adapter || input.allSeeds)
      await others(context, registration, own, input, result)
  } catch (error) {
    if (signal.aborted) throw error
    const missing = missingInputOf(error)
    if (!missing) throw error
    return { ...result, missing }
  } finally {
    // What was cut off by the end of the process goes on in it.
    const resumes =
      signal.aborted && !(signal.reason instanceof RegraftError && signal.reason.code === 'cancelled')
    if (!resumes) await rm(folder, { recursive: true, force: true })
  }
  for (const { execution, seconds } of result.seeds) {
    const made = await store.executions.get(execution)
    if (made && made.startedAt.getTime() < began) result.earlier += seconds
  }
  return result
}

/** Trains the other seeds and measures all of them, unless it is known that they cannot be measured. */
async function others(
  context: OperationContext,
  registration: TrainedRegistration,
  own: Drill,
  input: Input,
  result: DrillOutcome,
): Promise<void> {
  const wanted = input.seeds ?? context.config.drills.seeds
  // What an interrupted attempt measured has been counted already.
  const reason = context.attempt === 1 ? await whyNotMeasured(context, registration, wanted) : null
  if (reason !== null) {
    result.measured = { reason }
    return
  }
  const recordedSeed = own.recorded.seed ?? 0
  while (result.seeds.length < wanted) {
    context.progress({ stage: `seed ${result.seeds.length + 1} of ${wanted}` })
    result.seeds.push(await trainSeed(context, own, recordedSeed + result.seeds.length))
  }
  result.measured = await measureDrill(context, registration, result.seeds)
}

function requireOffline({ kind, reason }: NonNullable<RebuildFinding['isolation']>): void {
  if (kind === 'namespaces') return
  throw new RegraftError('unavailable', `this machine cannot hide its files and its network: ${reason}`, {
    hint: 'run the offline drill on a Linux whose kernel lets users make namespaces, or leave out --offline',
  })
}

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
  const options = [
    ...(input.seeds === undefined ? [] : [`--seeds ${input.seeds}`]),
    ...(input.allSeeds ? ['--all-seeds'] : []),
    ...(input.offline ? ['--offline'] : []),
    ...(input.newerSteps ? ['--newer-steps'] : []),
  ]
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
    rerun: ['regraft fleet rebuild', input.name, ...options].join(' '),
  }
}

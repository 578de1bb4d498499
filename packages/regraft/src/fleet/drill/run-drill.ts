import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RegraftError } from '../../errors/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import { recordedVariables } from '../../training/index.ts'
import { type MissingInput, missingInputOf, recordedTraining } from '../missing-input.ts'
import type { TrainedRegistration } from '../registration.ts'
import { createEnclosure, type Isolation } from './enclosure.ts'
import { type DrillMeasurements, measureDrill, whyNotMeasured } from './measure.ts'
import { type Drill, type DrilledSeed, trainSeed } from './train-seed.ts'

export interface DrillInput {
  /** Of the job: names the executions that belong to this drill. */
  id: string
  seeds?: number | undefined
  allSeeds: boolean
  offline: boolean
  newerSteps: boolean
}

export interface DrillOutcome {
  missing: MissingInput | null
  seeds: DrilledSeed[]
  /** Null where the bytes say enough. */
  measured: DrillMeasurements | null
  isolation: Isolation | null
  /** Seconds of trainings that an interrupted attempt made. */
  earlier: number
}

/** A drill that ends before anything is trained. */
export function impossible(missing: MissingInput): DrillOutcome {
  return { missing, seeds: [], measured: null, isolation: null, earlier: 0 }
}

/**
 * Trains in isolation: the recorded seed, and the others where they are needed. Throws 'unavailable' for an offline drill where
 * files and network cannot be hidden.
 */
export async function runDrill(
  context: OperationContext,
  registration: TrainedRegistration,
  input: DrillInput,
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
  const began = Date.now()
  const own: Drill = { id: input.id, recorded, enclosure, newerSteps: input.newerSteps }
  const result: DrillOutcome = {
    ...{ missing: null, seeds: [], measured: null, isolation: enclosure.isolation, earlier: 0 },
  }
  try {
    if (input.offline) requireOffline(enclosure.isolation)
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
  input: DrillInput,
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

function requireOffline({ kind, reason }: Isolation): void {
  if (kind === 'namespaces') return
  throw new RegraftError('unavailable', `this machine cannot hide its files and its network: ${reason}`, {
    hint: 'run the offline drill on a Linux whose kernel lets users make namespaces, or leave out --offline',
  })
}

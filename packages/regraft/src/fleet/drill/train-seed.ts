import { runStep } from '../../lineage/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { Edge, Execution } from '../../store/types.ts'
import {
  preparedInputsOf,
  RECIPE_SCHEMA,
  type Recipe,
  type RecipeV1,
  requireReference,
  trainAdapter,
  trainingInputs,
  trainingReporter,
  upcastRecipe,
} from '../../training/index.ts'
import type { DrillEnclosure } from './enclosure.ts'

/** A drill on its way. */
export interface Drill {
  /** Names the drill in the executions that it makes: those of a drill that was cut off are not made again. */
  id: string
  recorded: Execution
  enclosure: DrillEnclosure
  /** Takes the present versions of steps, whose preprocessing may be another. */
  newerSteps: boolean
}

/** A training that a drill made. */
export interface DrilledSeed {
  seed: number
  adapter: string
  execution: string
  seconds: number
  cpuSeconds: number
  /** The machine that it was made on. */
  lock: Record<string, unknown>
}

/** Trains the recorded recipe again with one seed, the recorded one by default, past the cache. */
export async function trainSeed(
  context: OperationContext,
  drill: Drill,
  seed?: number,
): Promise<DrilledSeed> {
  const { store, config, signal } = context
  const { recorded, enclosure } = drill
  const prepared = drill.newerSteps ? null : preparedInputsOf(recorded)
  const again = seed === undefined || seed === recorded.seed
  const step = trainAdapter({
    config,
    workFolder: enclosure.jobs,
    onEvent: trainingReporter(context),
    enclosure,
    // The partners of kto follow from the seed, and its tokens with them.
    ...(prepared ? { expected: again ? prepared : { lines: prepared.lines } } : {}),
  })
  const inputs = again ? recorded.inputs : await inputsWithSeed(context, recorded, seed)
  const { execution, digest } = await runStep(
    { project: store, signal, environment: { drill: drill.id, isolation: enclosure.isolation } },
    step,
    { inputs, seed: seed ?? recorded.seed! },
    { bypassCache: (earlier) => earlier.environment.drill !== drill.id },
  )
  const { seconds = 0, cpuSeconds = 0, lock = {} } = execution.environment as Partial<DrilledSeed>
  return {
    ...{ seed: execution.seed!, adapter: digest('adapter'), execution: execution.id },
    ...{ seconds, cpuSeconds, lock },
  }
}

/** The recorded inputs with a recipe of another seed, and what of them depends on it. */
async function inputsWithSeed(
  { store, config, signal }: OperationContext,
  { inputs }: Execution,
  seed: number,
): Promise<Edge[]> {
  const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
  const recorded = upcastRecipe(await store.artifacts.read<Recipe | RecipeV1>(digestOf('recipe')))
  const recipe: Recipe = { ...recorded, training: { ...recorded.training, seed } }
  const { digest } = await store.artifacts.put({
    kind: 'recipe',
    schemaVersion: RECIPE_SCHEMA,
    value: recipe,
  })
  const reference = await requireReference(
    { project: store, signal },
    { config, threads: recipe.training.threads },
    recipe.training,
    { base: digestOf('base'), snapshot: digestOf('snapshot') },
  )
  return trainingInputs(digest, recipe, reference)
}

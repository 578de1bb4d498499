import { join } from 'node:path'
import { runStep } from '../../lineage/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import {
  RECIPE_SCHEMA,
  type Recipe,
  type RunRecord,
  requireReference,
  trainAdapter,
  trainingInputs,
  trainingReporter,
} from '../../training/index.ts'

/** A training as it came out, now or when it was made before. */
export interface Trained {
  adapter: string
  recipe: string
  run: RunRecord
  execution: string
  cpuSeconds: number
}

/** Trains a recipe, with the reference that its loss needs; what was trained before is not trained again. */
export async function trainOn(context: OperationContext, recipe: Recipe): Promise<Trained> {
  const { store, config, signal, progress } = context
  const stored = await store.artifacts.put({ kind: 'recipe', schemaVersion: RECIPE_SCHEMA, value: recipe })
  const onProgress = (done: number, total: number) =>
    progress({ stage: 'score the reference', done, total, unit: 'answers' })
  const reference = await requireReference(
    { project: store, signal },
    { config, threads: recipe.training.threads, onProgress },
    recipe.training,
    { base: recipe.base, snapshot: recipe.snapshot },
  )
  const step = trainAdapter({
    config,
    workFolder: join(config.dataDirectory, 'training'),
    onEvent: trainingReporter(context),
  })
  const inputs = trainingInputs(stored.digest, recipe, reference)
  const { digest, execution } = await runStep({ project: store, signal }, step, {
    inputs,
    seed: recipe.training.seed,
  })
  const { cpuSeconds } = execution.environment
  return {
    ...{ adapter: digest('adapter'), recipe: stored.digest, execution: execution.id },
    run: await store.artifacts.read<RunRecord>(digest('run')),
    cpuSeconds: typeof cpuSeconds === 'number' ? cpuSeconds : 0,
  }
}

import { join } from 'node:path'
import type { TrainerEvent } from '@regraft/engine'
import { z } from 'zod'
import { LATEST_SNAPSHOT, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import { BUNDLED_BASE, findBase, recordBase } from '../models/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import type { Edge } from '../store/types.ts'
import { RECIPE_SCHEMA, RecipeOptions, resolveRecipe } from './recipe.ts'
import { type RunRecord, trainAdapter } from './train-adapter.ts'

export const LATEST_ADAPTER = 'trained/latest'

const RunInput = z.object({
  snapshot: z.string().optional().describe('digest of the snapshot; else the newest'),
  base: z.string().default(BUNDLED_BASE).describe('base model, by its name in regraft.yaml'),
  ...RecipeOptions.shape,
})

const RunOutput = z.object({
  adapter: z.string().describe('digest of the adapter'),
  run: z.string(),
  recipe: z.string(),
  snapshot: z.string(),
  base: z.string(),
  cached: z.boolean().describe('true when this very training had been done before'),
  updates: z.int(),
  examples: z.int(),
  droppedExamples: z.int(),
  trainableParameters: z.int(),
  loss: z.number().describe('mean over the last epoch, nats per learned token'),
  validationLoss: z.number().nullable(),
  seconds: z.number().nullable(),
  peakMemoryBytes: z.number().nullable(),
})

/** A snapshot and a recipe become an adapter. */
export const runOperation = defineOperation({
  name: 'training run',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Train a LoRA adapter on a snapshot; a run that was cut off resumes to the same bits',
  input: RunInput,
  output: RunOutput,
  example: 'regraft training run --base regraft-nano --epochs 6',
  render(output) {
    const { adapter, recipe, snapshot, updates, examples, droppedExamples, loss, validationLoss } = output
    const validation = validationLoss === null ? '' : `, validation ${validationLoss.toFixed(3)}`
    const cost =
      output.seconds === null
        ? ''
        : `  ${output.seconds.toFixed(0)} s, peak memory ${(output.peakMemoryBytes! / 1e6).toFixed(0)} MB\n`
    return [
      `adapter ${shortDigest(adapter)}${output.cached ? ' (trained before: nothing to do)' : ''}`,
      `  ${updates} updates on ${examples} rows; loss ${loss.toFixed(3)}${validation} nats per token`,
      ...(droppedExamples > 0
        ? [`  ${droppedExamples} rows were too long and left out: raise --max-length`]
        : []),
      `${cost}  recipe ${shortDigest(recipe)}  snapshot ${shortDigest(snapshot)}  base ${shortDigest(output.base)}`,
    ].join('\n')
  },
  async run(context, input) {
    const { store, config, progress, signal } = context
    const { snapshot: wanted, base: baseName, ...options } = input
    const snapshot = await findSnapshot(context, wanted)
    progress({ stage: 'check the base' })
    const base = await recordBase(store, findBase(config, baseName))
    const recipe = resolveRecipe(options, base.artifact.digest, snapshot.digest)
    const recipeArtifact = await store.artifacts.put({
      kind: 'recipe',
      schemaVersion: RECIPE_SCHEMA,
      value: recipe,
    })
    const step = trainAdapter({
      config,
      workFolder: join(config.dataDirectory, 'training'),
      onEvent: (event) => reportTraining(context, event),
    })
    const inputs = trainingInputs(recipeArtifact.digest, base.artifact.digest, snapshot.digest)
    const result = await runStep({ project: store, signal }, step, { inputs, seed: recipe.training.seed })
    const adapter = result.digest('adapter')
    await store.aliases.set(LATEST_ADAPTER, adapter)
    const run = await store.artifacts.read<RunRecord>(result.digest('run'))
    const perEpoch = run.updates / run.epochs
    const lastEpoch = run.losses.slice(-perEpoch)
    const { seconds, peakMemoryBytes } = result.execution.environment as {
      seconds?: number
      peakMemoryBytes?: number
    }
    return {
      adapter,
      run: result.digest('run'),
      recipe: recipeArtifact.digest,
      snapshot: snapshot.digest,
      base: base.artifact.digest,
      cached: result.cached,
      updates: run.updates,
      examples: run.examples,
      droppedExamples: run.droppedExamples,
      trainableParameters: run.trainableParameters,
      loss: lastEpoch.reduce((sum, loss) => sum + loss, 0) / lastEpoch.length,
      validationLoss: run.validationLosses.at(-1) ?? null,
      seconds: seconds ?? null,
      peakMemoryBytes: peakMemoryBytes ?? null,
    }
  },
})

/** The inputs of a training step, in the order that is part of its key. */
export function trainingInputs(recipe: string, base: string, snapshot: string): Edge[] {
  return [
    { role: 'recipe', digest: recipe },
    { role: 'base', digest: base },
    { role: 'snapshot', digest: snapshot },
  ]
}

async function findSnapshot({ store }: OperationContext, wanted: string | undefined) {
  const name = wanted ?? LATEST_SNAPSHOT
  if (wanted === undefined && (await store.aliases.get(LATEST_SNAPSHOT)) === null) {
    throw new RegraftError('not-found', 'there is no snapshot to train on', {
      hint: 'regraft datasets build',
    })
  }
  const artifact = await store.artifacts.resolve(name)
  if (artifact.kind !== 'snapshot') {
    throw new RegraftError('invalid-input', `${name} is a ${artifact.kind}, not a snapshot`, {
      hint: 'regraft datasets build prints the digest of a snapshot',
    })
  }
  await store.artifacts.read<SnapshotManifest>(artifact.digest)
  return artifact
}

/** Passes on what the trainer says as progress of the job. */
export function reportTraining(
  { progress, log }: Pick<OperationContext, 'progress' | 'log'>,
  event: TrainerEvent,
): void {
  if (event.event === 'prepared') {
    const { examples, tokens, updates, dropped } = event
    if (dropped.length > 0) log.warn(`${dropped.length} rows are too long for --max-length and are left out`)
    progress({
      stage: 'train',
      done: 0,
      total: updates,
      unit: 'updates',
      message: `${examples} rows, ${tokens} tokens per epoch`,
    })
  } else if (event.event === 'resumed') {
    progress({
      stage: 'train',
      done: event.update,
      total: event.updates,
      unit: 'updates',
      message: 'resumed',
    })
  } else if (event.event === 'update') {
    const { update, updates, loss, tokensPerSecond } = event
    const metrics = { loss: round(loss, 3), 'tokens/s': Math.round(tokensPerSecond) }
    progress({ stage: 'train', done: update, total: updates, unit: 'updates', metrics })
  } else if (event.event === 'validation') {
    progress({
      stage: 'validate',
      message: `epoch ${event.epoch}`,
      metrics: { validationLoss: round(event.loss, 3) },
    })
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

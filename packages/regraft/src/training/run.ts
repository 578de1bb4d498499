import { join } from 'node:path'
import { z } from 'zod'
import { runStep, shortDigest } from '../lineage/index.ts'
import { BUNDLED_BASE } from '../models/index.ts'
import { defineOperation } from '../operation/index.ts'
import { prepareReference, prepareTraining, trainingInputs } from './prepare.ts'
import { LATEST_ADAPTER, RECIPE_SCHEMA, RecipeOptions } from './recipe.ts'
import { trainingReporter } from './report.ts'
import { type RunRecord, trainAdapter } from './train-adapter.ts'

const RunInput = z.object({
  snapshot: z.string().optional().describe('digest of the snapshot; else the newest for the loss'),
  base: z.string().default(BUNDLED_BASE).describe('base model, by its name in `models list`'),
  ...RecipeOptions.shape,
})

const RunOutput = z.object({
  adapter: z.string().describe('digest of the adapter'),
  run: z.string(),
  recipe: z.string(),
  snapshot: z.string(),
  base: z.string(),
  reference: z.string().nullable().describe('digest of the reference log-probabilities, for dpo and kto'),
  lossName: z.string(),
  cached: z.boolean().describe('true when this very training had been done before'),
  updates: z.int(),
  examples: z.int(),
  droppedExamples: z.int(),
  trainableParameters: z.int(),
  loss: z.number().describe('mean over the last epoch; of sft in nats per learned token'),
  validationLoss: z.number().nullable(),
  bestUpdate: z.int().nullable().describe('the update that early stopping chose'),
  metrics: z
    .record(z.string(), z.number())
    .describe('what the loss measures beside itself, mean over the last epoch'),
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
      `  ${updates} updates on ${examples} ${ROWS[output.lossName] ?? 'rows'}; loss ${loss.toFixed(3)}${validation}` +
        (output.lossName === 'sft' ? ' nats per token' : ` (${output.lossName})`),
      ...Object.entries(output.metrics).map(([name, value]) => `  ${name} ${value.toPrecision(4)}`),
      ...(output.bestUpdate === null ? [] : [`  the values of update ${output.bestUpdate} were kept`]),
      ...(droppedExamples > 0
        ? [`  ${droppedExamples} rows were too long and left out: raise --max-length`]
        : []),
      `${cost}  recipe ${shortDigest(recipe)}  snapshot ${shortDigest(snapshot)}  base ${shortDigest(output.base)}`,
    ].join('\n')
  },
  async run(context, input) {
    const { store, config, signal } = context
    const prepared = await prepareTraining(context, input)
    const { recipe } = prepared
    const reference = await prepareReference(context, prepared)
    const recipeArtifact = await store.artifacts.put({
      kind: 'recipe',
      schemaVersion: RECIPE_SCHEMA,
      value: recipe,
    })
    const step = trainAdapter({
      config,
      workFolder: join(config.dataDirectory, 'training'),
      onEvent: trainingReporter(context),
    })
    const inputs = trainingInputs(recipeArtifact.digest, recipe, reference)
    const result = await runStep({ project: store, signal }, step, { inputs, seed: recipe.training.seed })
    const adapter = result.digest('adapter')
    await store.aliases.set(LATEST_ADAPTER, adapter)
    const run = await store.artifacts.read<RunRecord>(result.digest('run'))
    const perEpoch = Math.max(1, Math.round(run.updates / run.epochs))
    const lastEpoch = (values: readonly (number | null)[]) => mean(values.slice(-perEpoch))
    const metrics = Object.entries(run.metrics ?? {}).flatMap(([name, values]) => {
      const value = lastEpoch(values)
      return value === null ? [] : [[name, value] as const]
    })
    const { seconds, peakMemoryBytes } = result.execution.environment as {
      seconds?: number
      peakMemoryBytes?: number
    }
    return {
      adapter,
      run: result.digest('run'),
      recipe: recipeArtifact.digest,
      snapshot: recipe.snapshot,
      base: recipe.base,
      reference,
      lossName: recipe.training.loss.name,
      cached: result.cached,
      updates: run.updates,
      examples: run.examples,
      droppedExamples: run.droppedExamples,
      trainableParameters: run.trainableParameters,
      loss: lastEpoch(run.losses)!,
      validationLoss: run.validationLosses.at(-1) ?? null,
      bestUpdate: run.bestUpdate ?? null,
      metrics: Object.fromEntries(metrics),
      seconds: seconds ?? null,
      peakMemoryBytes: peakMemoryBytes ?? null,
    }
  },
})

const ROWS: Record<string, string> = { dpo: 'pairs', orpo: 'pairs', simpo: 'pairs', kto: 'rated answers' }

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { drawChart } from './chart.ts'
import { LATEST_ADAPTER, type Recipe, type RecipeV1, upcastRecipe } from './recipe.ts'
import type { RunRecord } from './train-adapter.ts'

const Series = z.array(z.number().nullable())

const ShowOutput = z.object({
  run: z.string(),
  adapter: z.string().nullable().describe('the adapter that the run made'),
  recipe: z.string(),
  lossName: z.string(),
  updates: z.int(),
  epochs: z.number(),
  examples: z.int(),
  bestUpdate: z.int().nullable(),
  stoppedEarly: z.boolean(),
  losses: Series.describe('by update'),
  learningRates: Series,
  gradientNorms: Series,
  metrics: z.record(z.string(), Series),
  validationLosses: Series.describe('after each epoch'),
  validationMetrics: z.record(z.string(), Series),
})

export const showOperation = defineOperation({
  name: 'training show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show how a training went: its loss curve and what it measured at every update',
  input: z.object({
    run: z.string().optional().describe('digest of a run or of an adapter; else the adapter trained last'),
  }),
  output: ShowOutput,
  positionals: ['run'],
  example: 'regraft training show',
  render(output, { width }) {
    const { run, adapter, updates, epochs, losses, validationLosses, metrics, bestUpdate } = output
    const perEpoch = updates / epochs
    const made = adapter ? `, made adapter ${shortDigest(adapter)}` : ''
    const chart = drawChart(
      [
        { x: losses.map((_, i) => i + 1), y: numbers(losses) },
        { x: validationLosses.map((_, i) => Math.round((i + 1) * perEpoch)), y: numbers(validationLosses) },
      ],
      {
        width: Math.min(width, 100),
        height: 12,
        label: validationLosses.length > 0 ? 'updates; the shorter line is validation' : 'updates',
        mark: bestUpdate,
      },
    )
    const rows = [
      ['loss', losses],
      ...(validationLosses.length > 0 ? [['validation loss', validationLosses] as const] : []),
      ...Object.entries(metrics),
      ['gradient norm', output.gradientNorms],
    ] as [string, (number | null)[]][]
    const width0 = Math.max(...rows.map(([name]) => name.length))
    const figure = (value: number | null | undefined) =>
      (value == null ? '–' : value.toPrecision(4)).padStart(10)
    const table = rows
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => `  ${name.padEnd(width0)}${figure(values[0])}${figure(values.at(-1))}`)
    return [
      `run ${shortDigest(run)} (${output.lossName}): ${updates} updates, ${epochs} epochs on ${output.examples} rows${made}`,
      chart,
      `  ${''.padEnd(width0)}${'first'.padStart(10)}${'last'.padStart(10)}`,
      ...table,
      ...(bestUpdate === null ? [] : [`  kept: the values of update ${bestUpdate} (the upright line)`]),
    ].join('\n')
  },
  async run(context, input) {
    const { run: digest, adapter } = await findRun(context, input.run)
    const run = await context.store.artifacts.read<RunRecord>(digest)
    const stored = await context.store.artifacts.read<Recipe | RecipeV1>(run.recipe)
    return {
      run: digest,
      adapter,
      recipe: run.recipe,
      lossName: upcastRecipe(stored).training.loss.name,
      updates: run.updates,
      epochs: run.epochs,
      examples: run.examples,
      // Runs of version 1 kept losses only.
      bestUpdate: run.bestUpdate ?? null,
      stoppedEarly: run.stoppedEarly ?? false,
      losses: run.losses,
      learningRates: run.learningRates ?? [],
      gradientNorms: run.gradientNorms ?? [],
      metrics: run.metrics ?? {},
      validationLosses: run.validationLosses,
      validationMetrics: run.validationMetrics ?? {},
    }
  },
})

async function findRun({ store }: OperationContext, name: string | undefined) {
  if (name === undefined && (await store.aliases.get(LATEST_ADAPTER)) === null) {
    throw new RegraftError('not-found', 'nothing has been trained yet', { hint: 'regraft training run' })
  }
  const registered = name === undefined ? null : await store.aliases.get(`adapter/${name}`)
  let artifact = await store.artifacts.resolve(registered ?? name ?? LATEST_ADAPTER)
  if (artifact.kind === 'registration') {
    const { adapter } = await store.artifacts.read<{ adapter: string }>(artifact.digest)
    artifact = await store.artifacts.resolve(adapter)
  }
  if (artifact.kind !== 'run' && artifact.kind !== 'adapter') {
    throw new RegraftError('invalid-input', `${name} is a ${artifact.kind}, not a run or an adapter`, {
      hint: 'regraft training run prints both',
    })
  }
  const execution = artifact.firstExecution ? await store.executions.get(artifact.firstExecution) : null
  const made = (role: string) => execution?.outputs.find((output) => output.role === role)?.digest ?? null
  const run = artifact.kind === 'run' ? artifact.digest : made('run')
  if (run === null) {
    throw new RegraftError('not-found', `no training is recorded that made ${shortDigest(artifact.digest)}`)
  }
  return { run, adapter: made('adapter') }
}

function numbers(values: readonly (number | null)[]): number[] {
  return values.map((value) => value ?? Number.NaN)
}

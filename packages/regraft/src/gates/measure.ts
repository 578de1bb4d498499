import type { ScorerSettings } from '../config/index.ts'
import { excludedItems, readSuite, vaultAccess } from '../datasets/index.ts'
import { runStep, type Step } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { type EvaluateOptions, evaluateSuite } from './evaluate.ts'
import { measureLatency } from './latency.ts'
import { scoreReferences } from './likelihood.ts'

/** A model that is measured on a suite. */
export interface MeasuredModel {
  /** What people call it. */
  name: string
  suite: string
  base: string
  adapter: string | null
}

/** How a suite is answered and scored. */
export interface Scoring {
  scorer: ScorerSettings
  maxTokens: number
}

/** Lets a model answer a suite, without the items that do not count any more; returns the digest of the measurement. */
export async function measureModel(
  context: OperationContext,
  model: MeasuredModel,
  { scorer, maxTokens }: Scoring,
): Promise<string> {
  const step = evaluateSuite(optionsOf(context, `evaluate ${model.name}`))
  return await runOn(context, model, step, { maxTokens, scorer })
}

/** Measures how probable a model finds the expected answers (`LikelihoodMeasurement`); returns the digest. */
export async function measureReferences(context: OperationContext, model: MeasuredModel): Promise<string> {
  return await runOn(context, model, scoreReferences(optionsOf(context, `score ${model.name}`)), {})
}

/** Measures how long a model takes for single items (`LatencyMeasurement`); returns the digest. */
export async function timeModel(
  context: OperationContext,
  model: MeasuredModel,
  { maxTokens, items }: { maxTokens: number; items: number },
): Promise<string> {
  return await runOn(context, model, measureLatency(optionsOf(context, `time ${model.name}`)), {
    maxTokens,
    items,
  })
}

function optionsOf(context: OperationContext, stage: string): EvaluateOptions {
  return {
    engines: context.services.evaluationEngines,
    access: vaultAccess(context),
    onProgress: (done, total) => context.progress({ stage, done, total, unit: 'items' }),
  }
}

async function runOn<Parameters>(
  { store, signal }: OperationContext,
  { suite, base, adapter }: MeasuredModel,
  step: Step<Parameters>,
  parameters: Record<string, unknown>,
): Promise<string> {
  const { burned, erased } = await excludedItems(store, await readSuite(store, suite))
  const without = [...new Set([...burned, ...erased])].sort()
  const { digest } = await runStep({ project: store, signal }, step, {
    inputs: [
      { role: 'suite', digest: suite },
      { role: 'base', digest: base },
      ...(adapter ? [{ role: 'adapter', digest: adapter }] : []),
    ],
    parameters: { ...parameters, ...(without.length > 0 ? { without } : {}) },
  })
  return digest('measurement')
}

/** Warns about the items of a suite that do not count any more. */
export async function warnOfLeftOut({ store, log }: OperationContext, suite: string): Promise<void> {
  const { burned, erased } = await excludedItems(store, await readSuite(store, suite))
  if (burned.length > 0) log.warn(`${burned.length} items of the suite are burned: people have seen them`)
  if (erased.length > 0) log.warn(`${erased.length} items of the suite were erased with their end user`)
}

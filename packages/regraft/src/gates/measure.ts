import { excludedItems, readSuite, vaultAccess } from '../datasets/index.ts'
import { runStep } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { evaluateSuite } from './evaluate.ts'

export interface ModelMeasurement {
  /** What people call the model. */
  name: string
  suite: string
  base: string
  adapter: string | null
  maxTokens: number
}

/** Lets a model answer a suite, without the items that do not count any more; returns the digest of the measurement. */
export async function measureModel(context: OperationContext, model: ModelMeasurement): Promise<string> {
  const { store, signal } = context
  const { name, suite, base, adapter, maxTokens } = model
  const { burned, erased } = await excludedItems(store, await readSuite(store, suite))
  const without = [...new Set([...burned, ...erased])].sort()
  const step = evaluateSuite({
    engines: context.services.evaluationEngines,
    access: vaultAccess(context),
    onProgress: (done, total) => context.progress({ stage: `evaluate ${name}`, done, total, unit: 'items' }),
  })
  const inputs = [
    { role: 'suite', digest: suite },
    { role: 'base', digest: base },
    ...(adapter ? [{ role: 'adapter', digest: adapter }] : []),
  ]
  const parameters = { maxTokens, ...(without.length > 0 ? { without } : {}) }
  const { digest } = await runStep({ project: store, signal }, step, { inputs, parameters })
  return digest('measurement')
}

/** Warns about the items of a suite that do not count any more. */
export async function warnOfLeftOut({ store, log }: OperationContext, suite: string): Promise<void> {
  const { burned, erased } = await excludedItems(store, await readSuite(store, suite))
  if (burned.length > 0) log.warn(`${burned.length} items of the suite are burned: people have seen them`)
  if (erased.length > 0) log.warn(`${erased.length} items of the suite were erased with their end user`)
}

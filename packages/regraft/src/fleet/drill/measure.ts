import { evaluationsLeft, vaultAccess } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { measureModel, readGateRecord, readMeasurement } from '../../gates/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { TrainedRegistration } from '../registration.ts'
import type { DrilledSeed } from './train-seed.ts'

/** Digests of the measurements on the registered suite, or why there are none. */
export type DrillMeasurements = { registered: string; rebuilt: string[] } | { reason: string }

/** Why so many adapters cannot be measured on the suite; null when they can. Asked before hours are spent on training them. */
export async function whyNotMeasured(
  context: OperationContext,
  { suite }: TrainedRegistration,
  adapters: number,
): Promise<string | null> {
  try {
    const left = await evaluationsLeft(context.store, vaultAccess(context), suite.artifact)
    if (left >= adapters) return null
    return `the suite may be answered ${left} times more, and ${adapters} are needed (vault.evaluations)`
  } catch (error) {
    return reasonOf(error)
  }
}

/** Lets the registered and the rebuilt adapters answer the registered suite. */
export async function measureDrill(
  context: OperationContext,
  { suite, base, adapter, verdict, name }: TrainedRegistration,
  seeds: readonly DrilledSeed[],
): Promise<DrillMeasurements> {
  try {
    const { candidate } = await readGateRecord(context.store, verdict)
    const { scorer, maxTokens } = await readMeasurement(context.store, candidate)
    const measure = (called: string, measured: string) => {
      const model = { name: called, suite: suite.artifact, base: base.artifact, adapter: measured }
      return measureModel(context, model, { scorer, maxTokens })
    }
    const registered = await measure(name, adapter)
    const rebuilt: string[] = []
    for (const { seed, adapter: made } of seeds) rebuilt.push(await measure(`seed ${seed}`, made))
    return { registered, rebuilt }
  } catch (error) {
    return { reason: reasonOf(error) }
  }
}

function reasonOf(error: unknown): string {
  const expected = ['not-found', 'digest-mismatch', 'invalid-file', 'forbidden', 'incompatible']
  if (error instanceof RegraftError && expected.includes(error.code)) return error.message
  throw error
}

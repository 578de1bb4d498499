import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { Edge } from '../store/types.ts'
import type { BuildInput } from './build-input.ts'
import { listSuites, nameSuite, requireSuite } from './suite.ts'
import { holdOutSuite } from './suite-steps.ts'

/** The suite that was asked for, the only one there is, or one sealed now from rows that were held out with a known answer. */
export async function chooseSuite(
  context: OperationContext,
  input: BuildInput,
  selections: Edge[],
  ofTask: string | undefined,
) {
  const { store, signal } = context
  const wanted = input.evaluation ?? ofTask
  if (wanted !== undefined) return { ...(await requireSuite(store, wanted)), sealedNow: false }
  const suites = await listSuites(store)
  if (suites.length === 1) return { ...suites[0]!, sealedNow: false }
  if (suites.length > 1) {
    const names = suites.map(({ name }) => name).join(', ')
    throw new RegraftError('invalid-input', `there are several evaluation suites: ${names}`, {
      hint: `say which one: --evaluation ${suites[0]!.name}`,
    })
  }
  const name = input.task ?? 'holdout'
  const { digest: digestOf } = await runStep({ project: store, signal }, holdOutSuite, {
    inputs: selections,
    parameters: { name, task: input.task ?? null, share: input.holdout },
    seed: input.seed,
  })
  const digest = digestOf('suite')
  await nameSuite(store, name, digest)
  return { digest, name, sealedNow: true }
}

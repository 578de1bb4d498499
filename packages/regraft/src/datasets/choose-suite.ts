import type { Config } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { Edge, ProjectStore } from '../store/types.ts'
import type { BuildInput } from './build-input.ts'
import { FRESH_PREFIX, listSuites, nameSuite, requireSuite } from './suite.ts'
import { holdOutSuite } from './suite-steps.ts'
import { readSuite } from './vault/index.ts'

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
  const sealed = (await listSuites(store)).filter(({ name }) => !name.startsWith(FRESH_PREFIX))
  const ofGates = namesOfGates(context.config)
  // What a gate names beside the suite of the task (what must not be forgotten, what must be refused) is no choice.
  const unnamed = sealed.filter(({ name }) => !ofGates.has(name))
  const suites = unnamed.length > 0 ? unnamed : sealed
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
    parameters: { name, task: input.task ?? null, share: input.holdout, splitBy: input.splitBy },
    seed: input.seed,
  })
  const digest = digestOf('suite')
  await nameSuite(store, name, digest)
  return { digest, name, sealedNow: true }
}

function namesOfGates({ gates }: Config): Set<string> {
  return new Set(gates.requirements.flatMap((each) => ('suite' in each && each.suite) || []))
}

/** Further suites that judge what is trained: those that `gates.requirements` names, but for what is not sealed yet. */
export async function suitesOfGates(
  { store, config, log }: OperationContext,
  others: readonly string[],
): Promise<{ name: string; digest: string }[]> {
  const wanted = namesOfGates(config)
  const sealed = await listSuites(store)
  const missing = [...wanted].filter((name) => !sealed.some((suite) => suite.name === name))
  if (missing.length > 0) {
    log.warn(
      `gates.requirements names suites that are not sealed yet, so nothing is kept from them: ${missing.join(', ')}`,
    )
  }
  return sealed.filter(({ name, digest }) => wanted.has(name) && !others.includes(digest))
}

/**
 * Seals the newest share of the new rows for this cycle, as `fresh/<task>/<day>`: the day of its newest row, so that the
 * same traffic gives the same name.
 */
export async function holdOutFresh(
  { store, signal }: OperationContext,
  input: BuildInput,
  selections: Edge[],
  frozen: string,
): Promise<{ digest: string; name: string; items: number }> {
  const series = `${FRESH_PREFIX}${input.task ?? 'all'}`
  const { digest: digestOf } = await runStep({ project: store, signal }, holdOutSuite, {
    inputs: [...selections, { role: 'suite', digest: frozen }],
    parameters: {
      ...{ name: series, task: input.task ?? null, share: input.fresh, since: input.since ?? null },
    },
    seed: input.seed,
  })
  const digest = digestOf('suite')
  const { items } = await readSuite(store, digest)
  if (items.length === 0) {
    throw new RegraftError('invalid-input', 'no row with a known answer is there for a fresh suite', {
      hint: 'import labelled rows, make --fresh larger, or --since earlier',
    })
  }
  const name = await nameFresh(store, series, digest, await newestDay(store, items))
  return { digest, name, items: items.length }
}

/** The name that the suite has already, else the day, with a number from the second suite of a day on. */
async function nameFresh(store: ProjectStore, series: string, digest: string, day: string): Promise<string> {
  const known = new Map((await listSuites(store)).map((suite) => [suite.name, suite.digest]))
  for (const [name, other] of known) if (other === digest && name.startsWith(`${series}/`)) return name
  let name = `${series}/${day}`
  for (let number = 2; known.has(name); number++) name = `${series}/${day}-${number}`
  await nameSuite(store, name, digest)
  return name
}

async function newestDay(store: ProjectStore, items: { inferences: string[] }[]): Promise<string> {
  let newest = new Date(0)
  for await (const { occurredAt } of store.inferences.select({
    ids: items.flatMap((item) => item.inferences),
  })) {
    if (occurredAt > newest) newest = occurredAt
  }
  return newest.toISOString().slice(0, 'YYYY-MM-DD'.length)
}

/** What both benchmarks of drills share: a store of its own, tickets imported and sealed, adapters trained and registered. */

import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'
import { importOperation, openJournals } from '../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../packages/regraft/src/config/index.ts'
import { buildOperation } from '../packages/regraft/src/datasets/build.ts'
import { sealOperation } from '../packages/regraft/src/datasets/seal.ts'
import { rebuildOperation } from '../packages/regraft/src/fleet/rebuild.ts'
import { registerOperation } from '../packages/regraft/src/fleet/register.ts'
import {
  type Registration,
  readRegistration,
  requireTrained,
  type TrainedRegistration,
} from '../packages/regraft/src/fleet/registration.ts'
import { checkOperation } from '../packages/regraft/src/gates/check.ts'
import { BUNDLED_PATH, EngineHost } from '../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../packages/regraft/src/operation/index.ts'
import { quietCall } from '../packages/regraft/src/operation/testing.ts'
import { openStore } from '../packages/regraft/src/store/index.ts'
import { runOperation } from '../packages/regraft/src/training/run.ts'

export interface Labelled {
  text: string
  label: string
  /** Id of the end user. */
  user?: string
}

/** A base by the name that it has in the configuration: a folder or a GGUF file. */
export interface FleetBase {
  name: string
  path: string
}

export const NANO: FleetBase = { name: 'nano', path: BUNDLED_PATH }

/** One project of the store. */
export interface Fleet {
  context: OperationContext
  base: FleetBase
}

/** Opens the store of a benchmark in a folder; the base is a copy of its own, so that it may be damaged. */
export async function openFleets(path: string, { name, path: source }: FleetBase = NANO) {
  const folder = resolve(path)
  mkdirSync(folder, { recursive: true })
  const base = { name, path: join(folder, `base${extname(source)}`) }
  if (!existsSync(base.path)) cpSync(source, base.path, { recursive: true })
  const overrides = [
    { path: 'bases', value: { [name]: { path: base.path } }, option: 'bench' },
    { path: 'owners', value: { owner: 'ada', deputy: 'grace' }, option: 'bench' },
    { path: 'vault.evaluations', value: 100_000, option: 'bench' },
    // Registering wants a gate that passes. How good the adapters are does not matter here.
    { path: 'gates.requirements', value: [{ require: 'not-inferior' }], option: 'bench' },
    { path: 'gates.margin', value: 0.1, option: 'bench' },
  ]
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') }, overrides })
  const store = await openStore(config)
  const journals = await openJournals(join(config.dataDirectory, 'journal'), { store })
  const engines = new EngineHost(config, 'evaluation')
  const fleet = (project: string): Fleet => ({
    base,
    context: {
      store: store.project(project),
      ...quietCall(),
      config,
      services: { journals, evaluationEngines: engines } as OperationContext['services'],
    },
  })
  const close = async () => {
    await engines.close()
    await journals.close()
    await store.close()
  }
  return { fleet, close }
}

/** A table as an uploaded file. */
async function upload({ store }: OperationContext, name: string, rows: readonly Labelled[]) {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const lines = rows.map(({ text, label, user = 'nobody' }) => [text, label, user].map(quoted).join(','))
  const { digest } = await store.blobs.put(Buffer.from(`text,label,user\n${lines.join('\n')}\n`))
  return { digest, name: `${name}.csv` }
}

export async function seal({ context }: Fleet, name: string, items: readonly Labelled[]): Promise<void> {
  if ((await context.store.aliases.get(`suite/${name}`)) !== null) return
  const file = await upload(context, name, items)
  const columns = { text: 'text', label: 'label' }
  await sealOperation.run(context, sealOperation.input.parse({ file, as: name, ...columns }))
}

/** Rows become a snapshot; `subjects` seals each under the key of its end user. Everything imported before is in it too. */
export async function snapshotOf(
  { context }: Fleet,
  name: string,
  rows: readonly Labelled[],
  { subjects = false }: { subjects?: boolean } = {},
): Promise<string> {
  const columns = { text: 'text', label: 'label', ...(subjects ? { subject: 'user' } : {}) }
  const file = await upload(context, name, rows)
  await importOperation.run(context, importOperation.input.parse({ file, ...columns }))
  const building = buildOperation.input.parse({ consent: 'made up', validation: 0 })
  return (await buildOperation.run(context, building)).snapshot
}

/** Trains, judges and registers an adapter; answers its record. */
export async function trainAndRegister(
  { context, base }: Fleet,
  name: string,
  options: Record<string, unknown>,
): Promise<TrainedRegistration> {
  const trained = await runOperation.run(context, runOperation.input.parse({ base: base.name, ...options }))
  // Compared with itself.
  await checkOperation.run(
    context,
    checkOperation.input.parse({ adapter: trained.adapter, incumbent: trained.adapter, maxTokens: 8 }),
  )
  const input = registerOperation.input.parse({ name, adapter: trained.adapter })
  const { registration } = await registerOperation.run(context, input)
  return requireTrained(await readRegistration(context.store, registration))
}

/** Takes another record for the registered one: what a damaged or a mistaken record looks like. */
export async function replaceRecord({ context }: Fleet, record: Registration): Promise<void> {
  const value = record
  const { digest } = await context.store.artifacts.put({ kind: 'registration', schemaVersion: 2, value })
  await context.store.aliases.set(`adapter/${record.name}`, digest)
}

export async function rebuild({ context }: Fleet, name: string, options: Record<string, unknown> = {}) {
  return await rebuildOperation.run(context, rebuildOperation.input.parse({ name, ...options }))
}

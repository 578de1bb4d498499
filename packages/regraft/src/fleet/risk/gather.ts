import { existsSync } from 'node:fs'
import { namesOfFiles } from '../../capture/index.ts'
import type { Config } from '../../config/index.ts'
import type { SnapshotManifest } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { shortDigest } from '../../lineage/index.ts'
import { type AdapterRecord, findBase } from '../../models/index.ts'
import type { AuditEntry, ProjectStore } from '../../store/types.ts'
import { lastDrill } from '../drill/schedule.ts'
import { type Registration, readRegistration } from '../registration.ts'
import { endOfLifeOf } from './end-of-life.ts'
import type { Person, RetentionFact, RiskFacts, RowFacts } from './facts.ts'
import { fingerprintOf } from './fingerprint.ts'

const DAY = 86_400_000

/** Where facts come from. */
export interface FactSources {
  store: ProjectStore
  config: Config
  /** When each principal of the log was last seen, by the name of the person whose key it is. */
  seen: ReadonlyMap<string, Date>
}

/** Who was seen when: keys of the API bear the names of people. */
export async function peopleSeen(store: ProjectStore): Promise<Map<string, Date>> {
  const names = new Map((await store.apiKeys.list()).map(({ id, name }) => [id, name]))
  const seen = new Map<string, Date>()
  for (const [principal, at] of await store.audit.lastSeen()) {
    const name = names.get(principal)
    if (name === undefined) continue
    const known = seen.get(name)
    if (known === undefined || known < at) seen.set(name, at)
  }
  return seen
}

/** Gathers what the risk of a registered adapter is judged by. Looks whether things are there, and hashes no files. */
export async function gatherFacts(sources: FactSources, digest: string): Promise<RiskFacts> {
  const { store, config } = sources
  const registration = await readRegistration(store, digest)
  const { name, version, base, owner, deputy, missing, snapshot } = registration
  const entries = await store.audit.list({ about: name })
  return {
    ...{ name, version, base, missing },
    registeredAt: new Date(registration.registeredAt),
    owner: owner === null ? null : personOf(sources, owner),
    deputy: deputy === null ? null : personOf(sources, deputy),
    rows: snapshot === null ? null : await rowFacts(store, snapshot.artifact),
    lostInputs: await lostInputs(store, config, registration),
    retention: snapshot === null ? [] : await retentionFacts(store, config, snapshot.artifact),
    lastDrill: await drillFact(store, registration.adapter),
    endOfLife: await endOfLifeOf(store, config, base),
    migrationSeconds: secondsOf(entries.findLast(({ action }) => action === 'migrate')),
    fingerprint: base.kind === 'hosted' ? await fingerprintOf(store, base) : null,
  }
}

function personOf({ config, seen }: FactSources, name: string): Person {
  const said = Object.hasOwn(config.people, name) ? config.people[name] : undefined
  const active = [said?.lastActive ? new Date(said.lastActive) : null, seen.get(name) ?? null]
  const lastActive = active.reduce((a, b) => (a !== null && (b === null || a > b) ? a : b))
  return { name, lastActive, left: said?.left ? new Date(said.left) : null }
}

async function rowFacts(store: ProjectStore, snapshot: string): Promise<RowFacts | null> {
  const state = await store.artifacts.rowsOfSnapshot(snapshot)
  if (state === null) return null
  const { rows, present, changed, subjects } = state
  let withoutKey = 0
  for (const subject of subjects) if (!(await store.keys.has(`subject/${subject}`))) withoutKey++
  return { rows, missing: rows - present, changed, withoutKey }
}

/** Beside rows: what a lost snapshot takes away are those. */
async function lostInputs(
  store: ProjectStore,
  config: Config,
  registration: Registration,
): Promise<string[]> {
  const { adapter, recipe, base, snapshot, execution } = registration
  const training = execution === null ? null : await store.executions.get(execution)
  const inputs = (training?.inputs ?? []).filter(({ digest }) => digest !== snapshot?.artifact)
  const records = new Map(inputs.map(({ role, digest }) => [digest, role]))
  records.set(adapter, 'adapter record').set(base.artifact, 'base record')
  if (recipe !== null) records.set(recipe, 'recipe')
  const absent = await store.artifacts.absent([...records.keys()])
  const problem = lostBase(config, base)
  return [
    ...absent.map((digest) => `the ${records.get(digest)} ${shortDigest(digest)} is gone`),
    ...(execution !== null && training === null ? [`the execution ${execution} is gone`] : []),
    ...(problem === null ? [] : [problem]),
    ...(absent.includes(adapter) ? [] : await lostFiles(store, adapter)),
  ]
}

function lostBase(config: Config, { kind, name }: Registration['base']): string | null {
  if (kind === 'hosted') return null
  try {
    const { path } = findBase(config, name)
    return existsSync(path) ? null : `the base ${name} is not at ${path}`
  } catch (error) {
    if (error instanceof RegraftError && error.code === 'not-found') return `the base ${name} is not here`
    throw error
  }
}

async function lostFiles(store: ProjectStore, adapter: string): Promise<string[]> {
  const { files } = await store.artifacts.read<AdapterRecord>(adapter)
  const lost: string[] = []
  for (const { path, digest } of files) {
    if (!(await store.blobs.has(digest))) lost.push(`the adapter's file ${path} is gone`)
  }
  return lost
}

/** Per source of the snapshot that is said to expire, its first row to go. */
async function retentionFacts(
  store: ProjectStore,
  config: Config,
  snapshot: string,
): Promise<RetentionFact[]> {
  if (Object.keys(config.sources).length === 0) return []
  if ((await store.artifacts.absent([snapshot])).length > 0) return []
  const { rows } = await store.artifacts.read<SnapshotManifest>(snapshot)
  const oldest = new Map<string, { rows: number; at: number }>()
  for (const { source, occurredAt } of rows) {
    const key = source.replace(/:\d+$/, '')
    const known = oldest.get(key) ?? { rows: 0, at: Number.POSITIVE_INFINITY }
    oldest.set(key, { rows: known.rows + 1, at: Math.min(known.at, Date.parse(occurredAt)) })
  }
  const fileOf = (key: string) => (key.startsWith('import:') ? key.slice('import:'.length) : null)
  const names = await namesOfFiles(store, new Set([...oldest.keys()].flatMap((key) => fileOf(key) ?? [])))
  return [...oldest].flatMap(([key, found]): RetentionFact[] => {
    const file = fileOf(key)
    const source = (file === null ? undefined : names.get(file)?.name) ?? key
    const retention = config.sources[source] ?? config.sources[key]
    if (!retention) return []
    const expires = [
      retention.until === undefined ? [] : [Date.parse(retention.until)],
      retention.retentionDays === undefined ? [] : [found.at + retention.retentionDays * DAY],
    ].flat()
    return [{ source, rows: found.rows, expires: new Date(Math.min(...expires)) }]
  })
}

async function drillFact(store: ProjectStore, adapter: string): Promise<RiskFacts['lastDrill']> {
  const last = await lastDrill(store, adapter)
  if (last === null) return null
  const { at, verdict } = last.content
  return { at: new Date(at), outcome: verdict.outcome, finding: verdict.finding ?? null }
}

function secondsOf(entry: AuditEntry | undefined): number | null {
  const seconds = entry?.details.seconds
  return typeof seconds === 'number' ? seconds : null
}

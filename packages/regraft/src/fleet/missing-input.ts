import type { Config } from '../config/index.ts'
import { erasureOf, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type AnyBase, requireLocalBase, requireRecordedBase } from '../models/index.ts'
import type { Edge, ProjectStore } from '../store/types.ts'
import type { TrainedRegistration } from './registration.ts'

const PAGE = 500

/**
 * Looks for everything that a rebuild reads, in the order in which it reads it; returns what is wrong with the first
 * input that is missing or changed, null when all are there.
 */
export async function findMissingInput(
  store: ProjectStore,
  config: Config,
  registration: TrainedRegistration,
): Promise<string | null> {
  const artifacts = [
    ['adapter record', registration.adapter],
    ['recipe', registration.recipe],
    ['base record', registration.base.artifact],
    ['snapshot', registration.snapshot.artifact],
  ] as const
  const lost = await problemOf(() => recordedInputs(store, registration))
  if (lost) return lost
  const known = new Set<string>(artifacts.map(([, digest]) => digest))
  const others = (await recordedInputs(store, registration)).filter(({ digest }) => !known.has(digest))
  for (const [what, digest] of [...artifacts, ...others.map((edge) => [edge.role, edge.digest] as const)]) {
    const problem = await problemOf(() => store.artifacts.read(digest))
    if (problem) return `${what} ${shortDigest(digest)}: ${problem}`
  }
  const teachers = others.filter(({ role }) => role === 'teacher-base')
  for (const digest of [registration.base.artifact, ...teachers.map((teacher) => teacher.digest)]) {
    const base = requireLocalBase(await store.artifacts.read<AnyBase>(digest))
    const problem = await problemOf(() => requireRecordedBase(config, base))
    if (problem) return `base ${base.name}: ${problem}`
  }
  const { files } = await store.artifacts.read<AdapterRecord>(registration.adapter)
  for (const file of files) {
    if (!file.digest) return `adapter file ${file.path}: its digest was never recorded`
  }
  return firstMissingRow(store, registration.snapshot.artifact)
}

/** The inputs of the execution that trained a registered adapter, in their order. Throws 'not-found' when it is gone. */
export async function recordedInputs(
  store: ProjectStore,
  registration: TrainedRegistration,
): Promise<Edge[]> {
  const execution = await store.executions.get(registration.execution)
  if (execution) return execution.inputs
  throw new RegraftError('not-found', `the execution ${registration.execution} is gone from the record`)
}

async function firstMissingRow(store: ProjectStore, snapshot: string): Promise<string | null> {
  const { rows } = await store.artifacts.read<SnapshotManifest>(snapshot)
  for (let start = 0; start < rows.length; start += PAGE) {
    const page = rows.slice(start, start + PAGE)
    const found = new Map<string, string>()
    for await (const { id, digest } of store.examples.select({ ids: page.map(({ id }) => id) }))
      found.set(id, digest)
    for (const { id, digest } of page) {
      if (!found.has(id))
        return `training row ${id} of snapshot ${shortDigest(snapshot)}: ${await fateOf(store, snapshot)}`
      if (found.get(id) !== digest)
        return `training row ${id} of snapshot ${shortDigest(snapshot)}: it changed`
    }
  }
  return null
}

/** Why a row is gone, as far as it is known. */
async function fateOf(store: ProjectStore, snapshot: string): Promise<string> {
  const certificate = await erasureOf(store, snapshot)
  return certificate === null
    ? 'it is gone'
    : `it was erased with the person whose words it held (certificate ${shortDigest(certificate)})`
}

async function problemOf(read: () => Promise<unknown>): Promise<string | null> {
  try {
    await read()
    return null
  } catch (error) {
    if (
      error instanceof RegraftError &&
      ['not-found', 'digest-mismatch', 'invalid-file'].includes(error.code)
    ) {
      return error.message
    }
    throw error
  }
}

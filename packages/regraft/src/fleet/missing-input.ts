import { trainerFiles } from '@regraft/engine'
import type { Config } from '../config/index.ts'
import { erasureOf, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { type AdapterRecord, type AnyBase, requireLocalBase, requireRecordedBase } from '../models/index.ts'
import type { Execution, ProjectStore } from '../store/types.ts'
import { namedFiles, recordedVariables, trainAdapter } from '../training/index.ts'
import { isOfTheSystem } from './drill/namespaces.ts'
import type { TrainedRegistration } from './registration.ts'

const PAGE = 500

/** What kind of input a rebuild lacks, in the order in which a rebuild reads them. */
export const MISSING_KINDS = [
  'execution',
  'step',
  'adapter record',
  'recipe',
  'base record',
  'snapshot',
  'reference',
  'teacher',
  'base',
  'row',
  'preprocessing',
  'file',
] as const

/** An input that is missing or changed. */
export interface MissingInput {
  kind: (typeof MISSING_KINDS)[number]
  /** Which one, and what is wrong with it. */
  text: string
}

export interface MissingOptions {
  config: Config
  /** Takes the present versions of steps for recorded ones. */
  newerSteps?: boolean
}

/**
 * Looks for everything that a rebuild reads, in the order in which it reads it; returns what is wrong with the first
 * input that is missing or changed, null when all are there.
 */
export async function findMissingInput(
  store: ProjectStore,
  registration: TrainedRegistration,
  { config, newerSteps = false }: MissingOptions,
): Promise<MissingInput | null> {
  const execution = await store.executions.get(registration.execution)
  if (!execution) {
    return { kind: 'execution', text: `execution ${registration.execution}: it is gone from the record` }
  }
  return (
    (newerSteps ? null : changedStep(config, execution)) ??
    (await missingRecord(store, registration, execution)) ??
    (await missingBase(store, config, execution)) ??
    (await missingTeacher(store, execution)) ??
    (await missingRow(store, registration.snapshot.artifact)) ??
    outsideFile(execution)
  )
}

/** The execution that trained a registered adapter. Throws 'not-found' when it is gone. */
export async function recordedTraining(
  store: ProjectStore,
  registration: TrainedRegistration,
): Promise<Execution> {
  const execution = await store.executions.get(registration.execution)
  if (execution) return execution
  throw new RegraftError('not-found', `the execution ${registration.execution} is gone from the record`)
}

function changedStep(config: Config, { step, version, environment }: Execution): MissingInput | null {
  const present = trainAdapter({ config, workFolder: '' })
  if (present.name === step && present.version === version) return null
  const release = environment.regraft ?? 'another release'
  const text = `step ${step} version ${version}: this installation has ${present.name} version ${present.version}; install regraft ${release}, or say --newer-steps`
  return { kind: 'step', text }
}

const KIND_OF_ROLE: Record<string, MissingInput['kind']> = {
  recipe: 'recipe',
  base: 'base record',
  snapshot: 'snapshot',
  reference: 'reference',
  'teacher-base': 'teacher',
  'teacher-adapter': 'teacher',
}

async function missingRecord(
  store: ProjectStore,
  registration: TrainedRegistration,
  { inputs }: Execution,
): Promise<MissingInput | null> {
  const wanted = [
    { kind: 'adapter record' as const, what: 'adapter record', digest: registration.adapter },
    ...inputs.map(({ role, digest }) => {
      const kind = KIND_OF_ROLE[role] ?? 'snapshot'
      return { kind, what: role === 'base' ? 'base record' : role, digest }
    }),
  ]
  for (const { kind, what, digest } of wanted) {
    const problem = await problemOf(() => store.artifacts.read(digest))
    if (problem) return { kind, text: `${what} ${shortDigest(digest)}: ${problem}` }
  }
  const { files } = await store.artifacts.read<AdapterRecord>(registration.adapter)
  const unknown = files.find(({ digest }) => !digest)
  if (!unknown) return null
  return {
    kind: 'adapter record',
    text: `adapter file ${unknown.path}: its digest was never recorded`,
  }
}

async function missingBase(
  store: ProjectStore,
  config: Config,
  { inputs }: Execution,
): Promise<MissingInput | null> {
  for (const { role, digest } of inputs) {
    if (role !== 'base' && role !== 'teacher-base') continue
    const base = requireLocalBase(await store.artifacts.read<AnyBase>(digest))
    const problem = await problemOf(() => requireRecordedBase(config, base))
    if (problem) return { kind: 'base', text: `base ${base.name}: ${problem}` }
  }
  return null
}

async function missingTeacher(store: ProjectStore, { inputs }: Execution): Promise<MissingInput | null> {
  for (const { role, digest } of inputs) {
    if (role !== 'teacher-adapter') continue
    for (const file of (await store.artifacts.read<AdapterRecord>(digest)).files) {
      const problem = await problemOf(() => store.blobs.open(file.digest))
      if (problem) return { kind: 'teacher', text: `file ${file.path} of the teacher: ${problem}` }
    }
  }
  return null
}

async function missingRow(store: ProjectStore, snapshot: string): Promise<MissingInput | null> {
  const { rows } = await store.artifacts.read<SnapshotManifest>(snapshot)
  for (let start = 0; start < rows.length; start += PAGE) {
    const page = rows.slice(start, start + PAGE)
    const found = new Map<string, string>()
    for await (const { id, digest } of store.examples.select({ ids: page.map(({ id }) => id) }))
      found.set(id, digest)
    for (const { id, digest } of page) {
      if (found.get(id) === digest) continue
      const fate = found.has(id) ? 'it changed' : await fateOf(store, snapshot, id)
      return { kind: 'row', text: `training row ${id} of snapshot ${shortDigest(snapshot)}: ${fate}` }
    }
  }
  return null
}

/** Why a row cannot be read, as far as it is known. */
async function fateOf(store: ProjectStore, snapshot: string, id: string): Promise<string> {
  const certificate = await erasureOf(store, snapshot)
  if (certificate !== null) {
    return `it was erased with the person whose words it held (certificate ${shortDigest(certificate)})`
  }
  for await (const _ of store.examples.links({ ids: [id] })) {
    return 'it is sealed under the key of an end user, and the key is gone'
  }
  return 'it is gone'
}

/** A file that the environment of the training made it load: no store pins it, and an empty HOME does not have it. */
function outsideFile(execution: Execution): MissingInput | null {
  const installed = trainerFiles()
  const outside = namedFiles(recordedVariables(execution)).find(
    ({ path }) =>
      !isOfTheSystem(path) && !installed.some((file) => path === file || path.startsWith(`${file}/`)),
  )
  if (!outside) return null
  return {
    kind: 'file',
    text: `file ${outside.path}: ${outside.variable} made the training load it, and no store pins it`,
  }
}

/**
 * What an error of a training says is missing; null when it says something else. A trainer that sees only what the record
 * pins fails where it reads anything more.
 */
export function missingInputOf(error: unknown): MissingInput | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  const { message, code } = error
  if (code === 'digest-mismatch' && message.startsWith('the preprocessing')) {
    return { kind: 'preprocessing', text: message }
  }
  const path = /(?:ENOENT|EACCES|Cannot find (?:module|package))[^']*'([^']+)'/.exec(message)?.[1]
  if (path !== undefined) {
    return {
      kind: 'file',
      text: `file ${path}: the training reads it, and it is not among what the record pins`,
    }
  }
  if (code === 'not-found' || code === 'digest-mismatch' || code === 'invalid-file') {
    return { kind: 'file', text: message }
  }
  return null
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

import { readdir } from 'node:fs/promises'
import { filesOf, shortDigest } from '../../lineage/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import type { ExportRecord } from '../export-step.ts'

/** An adapter that has learned from the person's rows, with who answers for it. */
export interface TrainedAdapter {
  adapter: string
  registrations: {
    registration: string
    name: string
    version: number
    owner: string | null
    deputy: string | null
    current: boolean
  }[]
}

/** A file that somebody took out of the project's reach. */
export interface TakenOut {
  /** Digest of the record of an export, or of the suite that was exported. */
  of: string
  what: string
  principal: string
  /** Digest of the copy that stays in the data directory; null where there is none. */
  file: string | null
}

/** Exports of snapshots with words of a person, or of suites with items in their words. */
export async function exportsOf(
  project: ProjectStore,
  about: { subject: string; snapshots: ReadonlySet<string>; suites: readonly string[] },
): Promise<TakenOut[]> {
  const taken: TakenOut[] = []
  for (const { digest, createdAt } of await project.artifacts.find('measurement', { measure: 'export' })) {
    const record = await project.artifacts.read<ExportRecord>(digest)
    // What was made of their words may be in it under nobody's name.
    if (!record.subjects.includes(about.subject) && !about.snapshots.has(record.snapshot)) continue
    const what = `${record.rows} rows of snapshot ${shortDigest(record.snapshot)} as ${record.format}, ${createdAt.toISOString()}`
    taken.push({ of: digest, what, principal: record.principal, file: record.file.digest })
  }
  for (const suite of about.suites) {
    for (const { purpose, principal, at } of await project.vault.queries(suite)) {
      if (purpose !== 'export') continue
      taken.push({
        of: suite,
        what: `suite ${shortDigest(suite)}, ${at.toISOString()}`,
        principal,
        file: null,
      })
    }
  }
  return taken
}

/** What `fleet register` writes, as far as it is needed here: the module of the fleet lies above. */
interface RegisteredName {
  name: string
  version: number
  adapter: string
  owner: string | null
  deputy: string | null
}

/** Adapters with the names under which they are, or were, registered. */
export async function trainedAdapters(
  project: ProjectStore,
  adapters: readonly string[],
): Promise<TrainedAdapter[]> {
  const trained: TrainedAdapter[] = []
  for (const adapter of adapters) {
    const registrations: TrainedAdapter['registrations'] = []
    for (const { digest } of await project.artifacts.find('registration', { adapter })) {
      const { name, version, owner, deputy } = await project.artifacts.read<RegisteredName>(digest)
      const current = (await project.aliases.get(`adapter/${name}`)) === digest
      registrations.push({ registration: digest, name, version, owner, deputy, current })
    }
    trained.push({ adapter, registrations })
  }
  return trained
}

/** Files of the data directory that may go: they were made from rows, or brought them. */
export interface Removable {
  blobs: string[]
  /** Folders or files, relative to the data directory. */
  paths: string[]
}

/**
 * Of files below the data directory in which words were found, those that may be removed whole; and the job folders of trainings
 * on these snapshots, whatever was found in them. Weights of adapters and bases stay.
 */
export async function removableOf(
  project: ProjectStore,
  files: readonly string[],
  snapshots: readonly string[],
): Promise<Removable> {
  const blobs = new Set<string>()
  const paths = new Set<string>()
  const id = encodeURIComponent(project.projectId)
  for (const file of files) {
    const parts = file.split('/')
    const [top, second, third, fourth] = parts
    if (top === 'blobs' && second === project.projectId) {
      if (third === 'incoming') paths.add(file)
      else if (third && fourth) blobs.add(`sha256:${third}${fourth}`)
    } else if ((top === 'training' || top === 'work') && second) paths.add(`${top}/${second}`)
    else if (top === 'journal' && second === id && file.endsWith('.damaged')) paths.add(file)
  }
  for (const kind of ['adapter', 'base'] as const) {
    for (const { digest } of await project.artifacts.list(kind)) {
      for (const file of filesOf(await project.artifacts.read(digest))) blobs.delete(file.digest)
    }
  }
  const affected = new Set(snapshots)
  for (const { digest } of await project.artifacts.list('recipe')) {
    const { snapshot } = await project.artifacts.read<{ snapshot: string }>(digest)
    if (affected.has(snapshot)) paths.add(`training/${digest.replace(/^sha256:/, '')}`)
  }
  return { blobs: [...blobs].sort(), paths: [...paths].sort() }
}

/** Entries of a folder; none when it is not there. */
export async function entriesOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import {
  consequences,
  defineStep,
  type RowTableName,
  rowsDerivedFrom,
  type Step,
} from '../../lineage/index.ts'
import type { ProjectStore, StoredText } from '../../store/types.ts'
import type { SealedSuite } from '../vault/index.ts'
import { choosePieces, type Pieces, readTexts } from './pieces.ts'
import { exportsOf, removableOf, type TakenOut, type TrainedAdapter, trainedAdapters } from './reach.ts'
import { searchFolder, searchTexts } from './search.ts'

const TABLES: readonly RowTableName[] = ['inferences', 'feedback', 'examples']
const PAGE = 500

/** What an erasure is going to remove and to name: ids and digests, never text. The content of a measurement artifact. */
export interface ErasurePlan {
  measures: 'erasure-plan'
  /** Keyed hash of the person. */
  subject: string
  /** Ids of the rows that bear the person's hash, and of what was made from them. */
  own: Record<RowTableName, string[]>
  derived: Record<RowTableName, string[]>
  snapshots: string[]
  adapters: TrainedAdapter[]
  /** Evaluation suites with items in the words of the person, which nobody can open any more then. */
  suites: { suite: string; items: number }[]
  /** Files that were taken out of reach: exports of snapshots and of suites. */
  exports: TakenOut[]
  /** Files that rows of the person were imported from. */
  imports: string[]
  /** Files of the data directory that hold words of the person: blobs by digest, others by path. */
  blobs: string[]
  paths: string[]
  /** Records of jobs and kept answers that hold them. */
  texts: Pick<StoredText, 'table' | 'key'>[]
  plannedAt: string
}

export interface PlanOptions {
  dataDirectory: string
  signal: AbortSignal
  now: () => Date
  onStage?: (stage: string) => void
}

/** Finds everything that an erasure reaches. Changes nothing. */
export async function planErasure(
  project: ProjectStore,
  subject: string,
  options: PlanOptions,
): Promise<ErasurePlan> {
  const { dataDirectory, signal, onStage = () => {} } = options
  onStage('find rows')
  const own = emptyRows()
  for (const table of TABLES) {
    for await (const { id } of project[table].links({ subject })) own[table].push(id)
  }
  const derived = emptyRows()
  for (const [id, { table }] of await rowsDerivedFrom(
    project,
    TABLES.flatMap((table) => own[table]),
  )) {
    derived[table].push(id)
  }
  onStage('find snapshots and adapters')
  const ids = idsOf({ own, derived })
  const snapshots = new Set<string>()
  for (let start = 0; start < ids.length; start += PAGE) {
    for (const digest of await project.artifacts.snapshotsOfRows(ids.slice(start, start + PAGE)))
      snapshots.add(digest)
  }
  const adapters = new Set<string>()
  for (const snapshot of snapshots) {
    for (const { digest, artifact } of (await consequences(project, snapshot)).artifacts) {
      if (artifact?.kind === 'adapter') adapters.add(digest)
    }
  }
  const imports = await importsOf(project, own.inferences)
  const pieces = await piecesOf(project, { own, derived }, signal, onStage)
  onStage('search files')
  const searched = await searchFolder(dataDirectory, pieces, { signal })
  const removable = await removableOf(
    project,
    searched.finds.map(({ file }) => file),
    [...snapshots],
  )
  const suites = await suitesWith(project, subject, new Set(ids))
  const taken = await exportsOf(project, { subject, snapshots, suites: suites.map(({ suite }) => suite) })
  const copies = taken.flatMap(({ file }) => (file === null ? [] : [file]))
  return {
    ...{ measures: 'erasure-plan', subject, own, derived, imports, suites },
    snapshots: [...snapshots].sort(),
    adapters: await trainedAdapters(project, [...adapters].sort()),
    exports: taken,
    blobs: await present([...imports, ...copies, ...removable.blobs], (digest) => project.blobs.has(digest)),
    paths: await present(removable.paths, async (path) => existsSync(join(dataDirectory, path))),
    texts: (await searchTexts(project.traces, pieces)).map(({ table, key }) => ({ table, key })),
    plannedAt: options.now().toISOString(),
  }
}

/** The step that writes a plan down, so that an erasure which is interrupted goes on with the same one. */
export function planStep(options: PlanOptions): Step<{ subject: string }> {
  return defineStep({
    name: 'datasets/plan-erasure',
    version: 2,
    determinism: 'external',
    input: z.object({ subject: z.string() }),
    async run({ parameters, project }) {
      const value = await planErasure(project, parameters.subject, options)
      return [{ role: 'plan', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}

/** What the drill will look for, from the rows of a plan that can still be read. */
export async function piecesOf(
  project: ProjectStore,
  plan: Pick<ErasurePlan, 'own' | 'derived'>,
  signal: AbortSignal,
  onStage: (stage: string) => void = () => {},
): Promise<Pieces> {
  onStage('choose what to search for')
  const texts = await readTexts(project, {
    inferences: [...plan.own.inferences, ...plan.derived.inferences],
    feedback: [...plan.own.feedback, ...plan.derived.feedback],
    examples: [...plan.own.examples, ...plan.derived.examples],
  })
  return await choosePieces(project, texts, new Set(idsOf(plan)), signal)
}

export function idsOf({ own, derived }: Pick<ErasurePlan, 'own' | 'derived'>): string[] {
  return TABLES.flatMap((table) => [...own[table], ...derived[table]])
}

export function isEmptyPlan(plan: ErasurePlan): boolean {
  return idsOf(plan).length + plan.blobs.length + plan.paths.length + plan.texts.length === 0
}

/** Those that are still there, each once, sorted. */
async function present(
  names: readonly string[],
  isThere: (name: string) => Promise<boolean>,
): Promise<string[]> {
  const found: string[] = []
  for (const name of new Set(names)) if (await isThere(name)) found.push(name)
  return found.sort()
}

function emptyRows(): Record<RowTableName, string[]> {
  return { inferences: [], feedback: [], examples: [] }
}

async function importsOf(project: ProjectStore, inferences: readonly string[]): Promise<string[]> {
  const files = new Set<string>()
  for (let start = 0; start < inferences.length; start += PAGE) {
    for await (const { payload } of project.inferences.select({
      ids: inferences.slice(start, start + PAGE),
    })) {
      if (payload.source.kind === 'import') files.add(payload.source.file)
    }
  }
  return [...files].sort()
}

async function suitesWith(project: ProjectStore, subject: string, ids: ReadonlySet<string>) {
  const suites: ErasurePlan['suites'] = []
  for (const { digest } of await project.artifacts.list('suite')) {
    const { items } = await project.artifacts.read<Pick<SealedSuite, 'items'>>(digest)
    const found = items.filter(({ key, inference, repeats = [] }) => {
      return key === `subject/${subject}` || [inference, ...repeats].some((id) => id !== null && ids.has(id))
    })
    if (found.length > 0) suites.push({ suite: digest, items: found.length })
  }
  return suites
}

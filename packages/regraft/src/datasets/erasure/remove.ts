import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Journals } from '../../capture/index.ts'
import { RegraftError } from '../../errors/index.ts'
import type { RowTableName } from '../../lineage/index.ts'
import type { ProjectStore, RewritableTable } from '../../store/types.ts'
import { type ErasurePlan, idsOf } from './plan.ts'
import { entriesOf } from './reach.ts'

const PAGE = 1000
const TABLES: readonly RowTableName[] = ['examples', 'feedback', 'inferences']
/** Scratch folders of a command that was killed; one that is at work is younger. */
const ABANDONED_AFTER_MS = 15 * 60_000

/** Removes the rows of a plan, what was made from them first, and those of the person that nobody can read any more. */
export async function removeRows(
  project: ProjectStore,
  plan: ErasurePlan,
  signal: AbortSignal,
): Promise<void> {
  for (const part of [plan.derived, plan.own]) {
    for (const table of TABLES) await removeIds(project, table, part[table], signal)
  }
  // Some were on their way when the key was destroyed. What they write from now on has a new key, and stays.
  for (const table of TABLES) {
    const readable = new Set<string>()
    for await (const { id } of project[table].select({ subject: plan.subject })) readable.add(id)
    const unreadable: string[] = []
    for await (const { id } of project[table].links({ subject: plan.subject })) {
      if (!readable.has(id)) unreadable.push(id)
    }
    await removeIds(project, table, unreadable, signal)
  }
}

async function removeIds(
  project: ProjectStore,
  table: RowTableName,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < ids.length; start += PAGE) {
    signal.throwIfAborted()
    await project[table].remove(ids.slice(start, start + PAGE), { force: true })
  }
}

/** Removes files, kept answers and records of jobs. Returns how many of the latter two. */
export async function removeDerived(
  project: ProjectStore,
  plan: Pick<ErasurePlan, 'blobs' | 'paths' | 'texts'>,
  dataDirectory: string,
): Promise<{ jobs: number; answers: number }> {
  for (const digest of plan.blobs) await project.blobs.remove(digest)
  for (const path of plan.paths) await rm(join(dataDirectory, path), { recursive: true, force: true })
  await removeAbandoned(join(dataDirectory, 'work'))
  const removed = { jobs: 0, answers: 0 }
  for (const text of plan.texts) {
    if (!(await project.traces.clear(text))) continue
    if (text.table === 'responses') removed.answers++
    else removed.jobs++
  }
  return removed
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await entriesOf(folder)) {
    const path = join(folder, name)
    const found = await stat(path).catch(() => null)
    if (found && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS)
      await rm(path, { recursive: true, force: true })
  }
}

/** Removes refused rows of the plan from the journal, and every segment that is in the store by now. */
export async function eraseFromJournal(
  project: ProjectStore,
  journals: Journals,
  plan: ErasurePlan,
): Promise<{ rejectedLines: number; problems: string[] }> {
  try {
    const journal = await journals.of(project.projectId)
    await journal.drained()
    // Until then a segment is the only copy that survives a power cut.
    await project.traces.flush()
    const left = await journal.dropDrained()
    const ids = new Set(idsOf(plan))
    const rejectedLines = await journal.removeRejected((line) => isRowOf(line, plan.subject, ids))
    const problems = left > 0 ? [`${left} segments of the journal that were written to all the time`] : []
    return { rejectedLines, problems }
  } catch (error) {
    if (!(error instanceof RegraftError) || error.code !== 'unavailable') throw error
    return { rejectedLines: 0, problems: [`the journal of another process (${error.message})`] }
  }
}

function isRowOf(line: string, subject: string, ids: ReadonlySet<string>): boolean {
  try {
    const { id, row } = JSON.parse(line) as {
      id: string
      row?: { subject?: string | null; inferenceId?: string }
    }
    return ids.has(id) || row?.subject === subject || ids.has(row?.inferenceId ?? '')
  } catch {
    return false
  }
}

/** Tables whose files may still hold words in clear: the others only ever held them encrypted. */
export function tablesToRewrite(plan: ErasurePlan): RewritableTable[] {
  const texts = plan.texts
    .map(({ table }) => table)
    .filter((table) => table !== 'artifacts' && table !== 'executions')
  return [
    ...new Set<RewritableTable>([...TABLES.filter((table) => plan.derived[table].length > 0), ...texts]),
  ]
}

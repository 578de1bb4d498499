import type { ProjectStore, RowLink } from '../store/index.ts'
import type { RowTableName } from './selection.ts'

const TABLES: RowTableName[] = ['inferences', 'feedback', 'examples']
const CHUNK = 1000

/** A row met on a walk; `table` is null when it is gone. */
export interface WalkedRow {
  id: string
  table: RowTableName | null
  digest: string | null
  /** A snapshot that holds it; null for rows that others were derived from. */
  snapshot: string | null
}

/** The rows of snapshots, and all rows that they were derived from. */
export async function originRows(project: ProjectStore, snapshots: string[]): Promise<WalkedRow[]> {
  const rows = new Map<string, WalkedRow>()
  for (const snapshot of snapshots) {
    for await (const { id, digest } of project.artifacts.pinnedRows(snapshot)) {
      if (!rows.has(id)) rows.set(id, { id, table: null, digest, snapshot })
    }
  }
  let frontier = [...rows.keys()]
  while (frontier.length > 0) {
    const origins = new Set<string>()
    for (const ids of chunks(frontier)) {
      for (const table of TABLES) {
        for await (const row of project[table].links({ ids })) {
          const walked = rows.get(row.id)
          if (walked) Object.assign(walked, { table, digest: row.digest })
          for (const origin of row.derivedFrom) if (!rows.has(origin)) origins.add(origin)
        }
      }
    }
    for (const id of origins) rows.set(id, { id, table: null, digest: null, snapshot: null })
    frontier = [...origins]
  }
  return [...rows.values()]
}

/** Ids of a row and of all rows made from it: feedback about an inference, and whatever names it as its source. */
export async function derivedRows(project: ProjectStore, rowId: string): Promise<string[]> {
  const derived = await rowsDerivedFrom(project, [rowId])
  return [rowId, ...derived.keys()]
}

/** The rows made from any of these, as in `derivedRows`, without the starts themselves. */
export async function rowsDerivedFrom(
  project: ProjectStore,
  starts: readonly string[],
): Promise<Map<string, { table: RowTableName; digest: string }>> {
  const derived = new Map<string, { table: RowTableName; digest: string }>()
  const met = new Set(starts)
  let frontier = [...starts]
  while (frontier.length > 0) {
    const found: string[] = []
    const note = (table: RowTableName, { id, digest }: RowLink) => {
      if (met.has(id)) return
      met.add(id)
      found.push(id)
      derived.set(id, { table, digest })
    }
    for (const ids of chunks(frontier)) {
      for (const table of TABLES) {
        for await (const row of project[table].links({ derivedFrom: ids })) note(table, row)
      }
      for await (const row of project.feedback.links({ inferenceIds: ids })) note('feedback', row)
    }
    frontier = found
  }
  return derived
}

function* chunks(ids: string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += CHUNK) yield ids.slice(start, start + CHUNK)
}

import type { ProjectStore } from '../store/index.ts'
import type { RowTableName } from './selection.ts'

const TABLES: RowTableName[] = ['inferences', 'feedback', 'examples']
const CHUNK = 1000

/** A row, and the ids of what it was made from. */
export interface RowOrigins {
  id: string
  derivedFrom: readonly string[]
}

/**
 * Which of these rows were made from one of `sources`, directly or over other rows: by id, the source that was met.
 *
 * A source need not be a row (an item of a suite is none). Only the edges of rows that are not given are read, so rows
 * that are made from nothing, or from one another, cost no query.
 */
export async function rowsMadeFrom(
  project: ProjectStore,
  rows: Iterable<RowOrigins>,
  sources: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const madeInto = new Map<string, string[]>()
  const known = new Set<string>()
  const met = new Set<string>()
  const add = ({ id, derivedFrom }: RowOrigins) => {
    known.add(id)
    for (const origin of derivedFrom) {
      const made = madeInto.get(origin)
      if (made) made.push(id)
      else madeInto.set(origin, [id])
      met.add(origin)
    }
  }
  for (const row of rows) add(row)
  for (;;) {
    const unknown = [...met].filter((id) => !known.has(id) && !sources.has(id))
    if (unknown.length === 0) break
    met.clear()
    for (let start = 0; start < unknown.length; start += CHUNK) {
      const ids = unknown.slice(start, start + CHUNK)
      for (const table of TABLES) for await (const row of project[table].links({ ids })) add(row)
    }
    for (const id of unknown) known.add(id)
  }
  const found = new Map<string, string>()
  const queue = [...sources].map((source) => ({ id: source, source }))
  for (let next = queue.pop(); next; next = queue.pop()) {
    for (const id of madeInto.get(next.id) ?? []) {
      if (found.has(id)) continue
      found.set(id, next.source)
      queue.push({ id, source: next.source })
    }
  }
  return found
}

import { RegraftError } from '../errors/index.ts'
import type { Artifact, ProjectStore, RowQuery } from '../store/index.ts'
import { merkleRoot } from './merkle.ts'

export type RowTableName = 'inferences' | 'feedback' | 'examples'

/** The value of a selection artifact: which rows a step reads, in a form that tells later whether they still are. */
export interface Selection {
  table: RowTableName
  /** Times as ISO 8601. */
  query: { ids?: string[]; from?: string; until?: string; inferenceIds?: string[]; derivedFrom?: string[] }
  watermark: string
  /** Merkle root of the digests of the rows (merkle.ts). */
  root: string
  count: number
}

/**
 * Fixes the rows that a query finds now as a selection artifact.
 * The watermark keeps rows that are stored later out of it.
 */
export async function makeSelection(
  project: ProjectStore,
  table: RowTableName,
  query: Omit<RowQuery, 'watermark'> = {},
): Promise<{ artifact: Artifact; selection: Selection }> {
  const watermark = await project[table].watermark()
  const digests = await digestsOf(project, table, { ...query, watermark })
  const { from, until, ...lists } = query
  const selection: Selection = {
    table,
    query: {
      ...lists,
      ...(from ? { from: from.toISOString() } : {}),
      ...(until ? { until: until.toISOString() } : {}),
    },
    watermark,
    root: merkleRoot(digests),
    count: digests.length,
  }
  const artifact = await project.artifacts.put({ kind: 'selection', schemaVersion: 1, value: selection })
  return { artifact, selection }
}

/** The query that finds the rows of a selection again. */
export function queryOf(selection: Selection): RowQuery {
  const { from, until, ...lists } = selection.query
  return {
    ...lists,
    ...(from ? { from: new Date(from) } : {}),
    ...(until ? { until: new Date(until) } : {}),
    watermark: selection.watermark,
  }
}

/**
 * Checks that a selection still finds the same rows, by their digests; `select` checks the bytes of each as it reads.
 * Throws 'digest-mismatch' telling how many are there.
 */
export async function verifySelection(project: ProjectStore, selection: Selection): Promise<void> {
  const digests = await digestsOf(project, selection.table, queryOf(selection))
  const root = merkleRoot(digests)
  if (root === selection.root) return
  throw new RegraftError(
    'digest-mismatch',
    `The selection had ${selection.count} ${selection.table}, and finds ${digests.length} now that differ from them`,
    { hint: 'Rows were removed: make a new selection.', details: { expected: selection.root, actual: root } },
  )
}

async function digestsOf(project: ProjectStore, table: RowTableName, query: RowQuery): Promise<string[]> {
  const digests: string[] = []
  for await (const { digest } of project[table].links(query)) digests.push(digest)
  return digests
}

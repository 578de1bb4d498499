import { RegraftError } from '../errors/index.ts'
import { type Artifact, canonicalText, type ProjectStore, type RowQuery } from '../store/index.ts'
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
type Asked = Omit<Selection, 'root' | 'count'>

/**
 * Fixes the rows that a query finds now as a selection artifact.
 * The watermark keeps rows that are stored later out of it.
 */
export async function makeSelection(
  project: ProjectStore,
  table: RowTableName,
  query: Omit<RowQuery, 'watermark'> = {},
): Promise<{ artifact: Artifact; selection: Selection }> {
  const { from, until, ...lists } = query
  const asked: Asked = {
    table,
    query: {
      ...lists,
      ...(from ? { from: from.toISOString() } : {}),
      ...(until ? { until: until.toISOString() } : {}),
    },
    watermark: await project[table].watermark(),
  }
  const earlier = await findEarlier(project, asked)
  if (earlier) return earlier
  const digests = await digestsOf(project, asked)
  const selection: Selection = { ...asked, root: merkleRoot(digests), count: digests.length }
  const artifact = await project.artifacts.put({ kind: 'selection', schemaVersion: 1, value: selection })
  return { artifact, selection }
}

/**
 * A selection that was made of the rows that are found now, if there is one: it spares reading all digests.
 * No row ever changes and none appears below a watermark, so up to the same one as many rows are the same rows.
 */
async function findEarlier(project: ProjectStore, asked: Asked) {
  const count = await project[asked.table].count(queryOf(asked))
  for (const artifact of await project.artifacts.find('selection', { ...asked, count })) {
    const selection = await project.artifacts.read<Selection>(artifact.digest)
    if (canonicalText(selection.query) === canonicalText(asked.query)) return { artifact, selection }
  }
  return null
}

/** The query that finds the rows of a selection again. */
export function queryOf(selection: Asked): RowQuery {
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
  const digests = await digestsOf(project, selection)
  const root = merkleRoot(digests)
  if (root === selection.root) return
  throw new RegraftError(
    'digest-mismatch',
    `The selection had ${selection.count} ${selection.table}, and finds ${digests.length} now that differ from them`,
    { hint: 'Rows were removed: make a new selection.', details: { expected: selection.root, actual: root } },
  )
}

async function digestsOf(project: ProjectStore, asked: Asked): Promise<string[]> {
  const digests: string[] = []
  for await (const digest of project[asked.table].digests(queryOf(asked))) digests.push(digest)
  return digests
}

import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { defineStep, makeSelection } from '../lineage/index.ts'
import type { Artifact, Edge, ProjectStore } from '../store/index.ts'
import { type ImportFigures, storeRows } from './import-rows.ts'
import { parseCsv } from './parse-csv.ts'
import { parseOpenAIJsonl } from './parse-openai-jsonl.ts'
import type { FileOrigin, ParsedRow } from './parsed-row.ts'

const CHUNK_BYTES = 1024 * 1024

export interface ImportedFile {
  path: 'import'
  digest: string
  size: number
}

/**
 * Makes an uploaded file an artifact, the start of its rows' lineage.
 *
 * It has no name in it, so that the same bytes are the same artifact, first made when they were first imported.
 */
export async function recordFile(store: ProjectStore, digest: string, size: number): Promise<Artifact> {
  const value: ImportedFile = { path: 'import', digest, size }
  return await store.artifacts.put({ kind: 'file', schemaVersion: 1, value })
}

/** How a file is read: all that its rows depend on beside its bytes. */
export const Reading = z.object({
  format: z.enum(['csv', 'jsonl']),
  text: z.string().nullable(),
  label: z.string().nullable(),
  time: z.string().nullable(),
  system: z.string().nullable(),
  task: z.string().nullable(),
})
export type Reading = z.output<typeof Reading>

/** The name is for people: no row depends on it. */
const ImportParameters = Reading.extend({ fileName: z.string() })
export type ImportParameters = z.output<typeof ImportParameters>

/** Parses the bytes of a file as a reading says. */
export function parseFile(
  bytes: Uint8Array,
  reading: Reading,
  origin: Omit<FileOrigin, 'task'>,
): AsyncIterable<ParsedRow> {
  const { format, text, task, ...columns } = reading
  const from = { ...origin, task }
  return format === 'csv'
    ? parseCsv(chunksOf(bytes), { ...columns, text: text ?? '' }, from)
    : parseOpenAIJsonl(chunksOf(bytes), from)
}

/** Cuts bytes into a stream. */
export async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES)
  }
}

/** Selects all the traffic there is, as edges of an import: what it found, and what it left. */
export async function selectTraffic(store: ProjectStore): Promise<Edge[]> {
  const edges: Edge[] = []
  for (const table of ['inferences', 'feedback'] as const) {
    const { artifact, selection } = await makeSelection(store, table)
    if (selection.count > 0) edges.push({ role: table, digest: artifact.digest })
  }
  return edges
}

/**
 * Adds the rows of a file (role `file`) to the traffic that was there (roles `inferences` and `feedback`).
 *
 * What it leaves are selections of all traffic, so that a snapshot built from them reaches every file by this chain of
 * executions. External, as rows from outside are: it is never answered from the cache, since rows may have been removed
 * since, and a rebuild pins its output. The `report` keeps the figures with every rejected line.
 */
export const importStep = defineStep<ImportParameters>({
  name: 'import',
  version: 1,
  determinism: 'external',
  input: ImportParameters,
  async run({ inputs, parameters, read, project, blobs, signal, report }) {
    const file = await read<ImportedFile>('file')
    const digest = inputs.find(({ role }) => role === 'file')!.digest
    const artifact = await project.artifacts.get(digest)
    if (!artifact) throw new RegraftError('not-found', `There is no artifact ${digest}`)
    // Rows without a time take that of the first import, so that a second one gives them the same ids.
    const origin = { digest: file.digest, importedAt: artifact.createdAt }
    const rows = parseFile(await blobs.read(file.digest), parameters, origin)
    const figures: ImportFigures = await storeRows(project, rows, { signal, onProgress: report })
    const { selection: inferences } = await makeSelection(project, 'inferences')
    const { selection: feedback } = await makeSelection(project, 'feedback')
    return [
      { role: 'inferences', kind: 'selection', schemaVersion: 1, value: inferences },
      { role: 'feedback', kind: 'selection', schemaVersion: 1, value: feedback },
      { role: 'report', kind: 'measurement', schemaVersion: 1, value: { measure: 'import', ...figures } },
    ]
  },
})

import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { defineStep, makeSelection } from '../lineage/index.ts'
import type { Artifact, Edge, ProjectStore, StoredFile } from '../store/index.ts'
import { FORMATS, LAYOUTS, openRecords, RECORD_FORMATS } from './import-formats.ts'
import { type ImportFigures, storeRows } from './import-rows.ts'
import { parseCsv } from './parse-csv.ts'
import { parseTable } from './parse-table.ts'
import type { FileOrigin, ParsedRow, PassedRow, RowUnit } from './parsed-row.ts'

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
  format: z.enum(FORMATS),
  text: z.string().nullable(),
  label: z.string().nullable(),
  time: z.string().nullable(),
  system: z.string().nullable(),
  task: z.string().nullable(),
  /** How records lie in the file; absent for CSV, and for lines in readings of the first version. */
  layout: z.enum(LAYOUTS).optional(),
  /** Field or column with the end user of a row. */
  subject: z.string().optional(),
  /** Field or column with the ids of the rows that a row was written from. */
  derivedFrom: z.string().optional(),
})
export type Reading = z.output<typeof Reading>

/** The name, the consent and the licence are for people and for the manifests of snapshots: no row depends on them. */
const ImportParameters = Reading.extend({
  fileName: z.string(),
  /** What the people whose words these are agreed to, and under which licence the file came. */
  consent: z.string().nullable().default(null),
  licence: z.string().nullable().default(null),
  /** Whether rows have end users: the stored file holds their words in the clear, and goes when one is erased. */
  subjects: z.boolean().default(false),
})
export type ImportParameters = z.output<typeof ImportParameters>

export interface OpenedRows {
  /** What the numbers of the rows count. */
  unit: RowUnit
  rows(): AsyncIterable<ParsedRow | PassedRow>
}

/** Opens a file to be parsed as a reading says. Throws 'invalid-file' for a table that is damaged. */
export async function openRows(
  file: StoredFile,
  reading: Reading,
  { digest, importedAt, fields }: Pick<FileOrigin, 'digest' | 'importedAt' | 'fields'>,
): Promise<OpenedRows> {
  const { format, text, label, time, system, task, layout = 'lines', subject, derivedFrom } = reading
  const origin = { digest, importedAt, task, subject, derivedFrom, ...(fields ? { fields } : {}) }
  const columns = { text, label, time, system }
  if (format === 'csv') {
    return { unit: 'line', rows: () => parseCsv(file.chunks(), { ...columns, text: text ?? '' }, origin) }
  }
  const source = await openRecords(file, layout)
  if (format !== 'parquet') {
    return {
      unit: source.unit,
      rows: () => RECORD_FORMATS[format].parse(source.records(), source.unit, origin),
    }
  }
  return { unit: source.unit, rows: () => parseTable(source, columns, origin) }
}

/** Parses the bytes of a file as a reading says; what is no row is left out. */
export async function* parseFile(
  bytes: Uint8Array | StoredFile,
  reading: Reading,
  origin: Pick<FileOrigin, 'digest' | 'importedAt' | 'fields'>,
): AsyncGenerator<ParsedRow> {
  const file = bytes instanceof Uint8Array ? fileOf(bytes) : bytes
  const { rows } = await openRows(file, reading, origin)
  for await (const row of rows()) if (!('passed' in row)) yield row
}

function fileOf(bytes: Uint8Array): StoredFile {
  return {
    size: bytes.byteLength,
    chunks: () => chunksOf(bytes),
    slice: async (start, end) => bytes.subarray(start, end),
  }
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
  version: 2,
  determinism: 'external',
  input: ImportParameters,
  async run({ inputs, parameters, read, project, blobs, signal, report }) {
    const file = await read<ImportedFile>('file')
    const digest = inputs.find(({ role }) => role === 'file')!.digest
    const artifact = await project.artifacts.get(digest)
    if (!artifact) throw new RegraftError('not-found', `There is no artifact ${digest}`)
    // Rows without a time take that of the first import, so that a second one gives them the same ids.
    const origin = { digest: file.digest, importedAt: artifact.createdAt }
    const opened = await openRows(await blobs.open(file.digest), parameters, origin)
    const figures: ImportFigures = await storeRows(project, opened, { signal, onProgress: report })
    const { selection: inferences } = await makeSelection(project, 'inferences')
    const { selection: feedback } = await makeSelection(project, 'feedback')
    return [
      { role: 'inferences', kind: 'selection', schemaVersion: 1, value: inferences },
      { role: 'feedback', kind: 'selection', schemaVersion: 1, value: feedback },
      { role: 'report', kind: 'measurement', schemaVersion: 1, value: { measure: 'import', ...figures } },
    ]
  },
})

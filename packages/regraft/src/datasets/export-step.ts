import { z } from 'zod'
import type { ExportedNote } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { defineStep } from '../lineage/index.ts'
import type { ExampleRow, ProjectStore } from '../store/types.ts'
import { EXPORT_NAMES, type ExportRow, requireFormat } from './export-formats.ts'
import { kindOf, type SnapshotManifest, type SnapshotRow } from './manifest.ts'
import { sourceKey } from './row-source.ts'

const PAGE = 1000

const ExportParameters = z.object({
  format: z.enum(EXPORT_NAMES),
  split: z.enum(['train', 'validation', 'all']),
  /** Who took the file out. */
  principal: z.string(),
})

/** What was taken out of a project's reach: an erasure certificate names it. */
export interface ExportRecord {
  measure: 'export'
  snapshot: string
  format: (typeof EXPORT_NAMES)[number]
  split: 'train' | 'validation' | 'all'
  principal: string
  /** The stored copy; when a person whose words it holds is erased, it goes. */
  file: { digest: string; size: number }
  rows: number
  /** Keyed hashes of the end users whose words the file holds. */
  subjects: string[]
  /** Rows of the snapshot that are gone: their end user was erased. */
  missing: number
  canaries: number
}

/** Writes the rows of a snapshot (role `snapshot`) to a file. External: where the file goes cannot be undone. */
export const exportSnapshot = defineStep({
  name: 'datasets/export',
  version: 1,
  determinism: 'external',
  input: ExportParameters,
  async run({ parameters, inputs, read, project, blobs, signal, report }) {
    const manifest = await read<SnapshotManifest>('snapshot')
    const { digest: snapshot } = inputs.find(({ role }) => role === 'snapshot')!
    const { format, split, principal } = parameters
    const kind = kindOf(manifest)
    const record: ExportRecord = {
      ...{ measure: 'export', snapshot, format, split, principal, file: { digest: '', size: 0 } },
      ...{ rows: 0, subjects: [], missing: 0, canaries: 0 },
    }
    const wanted = manifest.rows.filter((row) => split === 'all' || row.split === split)
    const subjects = new Set<string>()
    async function* rows(): AsyncGenerator<ExportRow> {
      for (let start = 0; start < wanted.length; start += PAGE) {
        signal.throwIfAborted()
        const page = wanted.slice(start, start + PAGE)
        const found = await examplesOf(project, page)
        for (const row of page) {
          const example = found.get(row.id)
          if (!example) {
            record.missing++
            continue
          }
          record.rows++
          if (row.origin === 'canary') record.canaries++
          if (example.subject !== null) subjects.add(example.subject)
          yield { payload: example.payload, note: noteOf(snapshot, manifest, row, example) }
        }
        report(Math.min(start + PAGE, wanted.length))
      }
    }
    record.file = await blobs.put(requireFormat(format, kind).encode(rows(), kind))
    record.subjects = [...subjects].sort()
    return [{ role: 'export', kind: 'measurement', schemaVersion: 1, value: record }]
  },
})

async function examplesOf(
  project: ProjectStore,
  page: readonly SnapshotRow[],
): Promise<Map<string, ExampleRow>> {
  const found = new Map<string, ExampleRow>()
  for await (const example of project.examples.select({ ids: page.map(({ id }) => id) })) {
    found.set(example.id, example)
  }
  for (const { id, digest } of page) {
    const example = found.get(id)
    if (example && example.digest !== digest) {
      throw new RegraftError('digest-mismatch', `the example ${id} is not the one of the snapshot`)
    }
  }
  return found
}

function noteOf(
  snapshot: string,
  manifest: SnapshotManifest,
  row: SnapshotRow,
  { subject }: ExampleRow,
): ExportedNote {
  const { split, signal, inference, feedback, source, occurredAt, probability, weight, propensity } = row
  const rights = manifest.sources?.filter((entry) => entry.source === sourceKey(source)) ?? []
  const [right] = rights
  return {
    ...{ snapshot, kind: kindOf(manifest), split, signal, inference, feedback, source, at: occurredAt },
    consent: right?.consent ?? manifest.consent,
    licence: right?.licence ?? null,
    ...(probability === undefined ? {} : { probability }),
    ...(weight === undefined ? {} : { weight }),
    ...(propensity === undefined ? {} : { propensity }),
    ...(subject === null ? {} : { subject }),
  }
}

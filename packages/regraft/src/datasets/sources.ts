import type { InferenceRow } from '../store/types.ts'
import type { SnapshotSource } from './manifest.ts'

/** What the rows of a snapshot come from, with the rights that are stated for each: the file's own, else the build's. */
export function describeSources(
  inferences: readonly InferenceRow[],
  stated: {
    consent: string | null
    files: readonly { file: string; consent: string | null; licence: string | null }[]
  },
): SnapshotSource[] {
  const ofFile = new Map(stated.files.map((entry) => [entry.file, entry]))
  const sources = new Map<string, SnapshotSource>()
  for (const { payload } of inferences) {
    const file = payload.source.kind === 'import' ? payload.source.file : null
    const key = file === null ? payload.source.kind : `import:${file}`
    const known = sources.get(key)
    if (known) known.rows++
    else {
      const { consent = null, licence = null } = (file === null ? undefined : ofFile.get(file)) ?? {}
      sources.set(key, { source: key, rows: 1, consent: consent ?? stated.consent, licence })
    }
  }
  return [...sources.values()].sort((a, b) => (a.source < b.source ? -1 : 1))
}

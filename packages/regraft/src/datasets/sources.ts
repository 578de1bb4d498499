import type { FileRights } from '../capture/index.ts'
import type { InferenceRow } from '../store/types.ts'
import type { SnapshotManifest, SnapshotSource } from './manifest.ts'

/** What the rows of a snapshot come from, with the rights that are stated for each: the file's own, else the build's. */
export function describeSources(
  inferences: readonly InferenceRow[],
  stated: {
    consent: string | null
    files: readonly FileRights[]
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

/** What the words of a snapshot may be used for: stated for all of it, or for each of its sources; null where one has none. */
export function consentOf({
  consent,
  sources = [],
}: Pick<SnapshotManifest, 'consent' | 'sources'>): string | null {
  if (consent !== null || sources.length === 0) return consent
  const stated = sources.map((source) => source.consent)
  return stated.includes(null) ? null : [...new Set(stated)].join('; ')
}

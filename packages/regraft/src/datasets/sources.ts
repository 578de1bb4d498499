import type { FileRights } from '../capture/index.ts'
import type { InferenceRow } from '../store/types.ts'
import type { SnapshotManifest, SnapshotSource } from './manifest.ts'
import { sourceKey, sourceOf } from './row-source.ts'

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
    const { source, origin } = payload
    const file = source.kind === 'import' ? ofFile.get(source.file) : undefined
    const consent = origin?.consent ?? file?.consent ?? stated.consent
    const licence = origin?.licence ?? file?.licence ?? null
    const name = sourceKey(sourceOf({ payload }))
    // Rows of one source that came back with other rights than the others stay apart.
    const key = JSON.stringify([name, consent, licence])
    const known = sources.get(key)
    if (known) known.rows++
    else sources.set(key, { source: name, rows: 1, consent, licence })
  }
  return [...sources].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
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

import { RegraftError } from '../errors/index.ts'
import type { ProjectStore } from '../store/types.ts'
import type { SnapshotManifest } from './manifest.ts'

/** Finds a snapshot by its digest, the beginning of it or an alias. Throws 'not-found', and 'invalid-input' for another artifact. */
export async function requireSnapshot(
  store: ProjectStore,
  name: string,
): Promise<{ digest: string; manifest: SnapshotManifest }> {
  const { digest, kind } = await store.artifacts.resolve(name)
  if (kind !== 'snapshot') {
    throw new RegraftError('invalid-input', `${name} is a ${kind}, not a snapshot`, {
      hint: 'regraft datasets build prints the digest of its snapshot; the newest is snapshot/latest',
    })
  }
  return { digest, manifest: await store.artifacts.read<SnapshotManifest>(digest) }
}

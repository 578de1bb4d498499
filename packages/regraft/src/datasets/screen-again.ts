import { runStep } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { SnapshotManifest } from './manifest.ts'
import { measureAgain } from './measure-paraphrases.ts'
import { type SnapshotScreening, screenSnapshot } from './screen-snapshot.ts'
import { vaultAccess } from './vault/index.ts'

/**
 * Screens the rows of a snapshot against a suite that was sealed after its build, by the rungs that the build used. Throws
 * 'forbidden' when the budget of the suite is used up, 'incompatible' when rows are gone, or when the embedder or the judge of
 * paraphrases is another one now.
 */
export async function screenAgain(
  context: OperationContext,
  snapshot: string,
  suite: string,
): Promise<{ digest: string; screening: SnapshotScreening }> {
  const { store, progress, signal } = context
  const manifest = await store.artifacts.read<SnapshotManifest>(snapshot)
  const paraphrases = await measureAgain(context, { snapshot, manifest, suite })
  progress({ stage: 'screen training rows' })
  const screened = await runStep({ project: store, signal }, screenSnapshot(vaultAccess(context)), {
    inputs: [{ role: 'snapshot', digest: snapshot }, { role: 'suite', digest: suite }, ...paraphrases],
  })
  const digest = screened.digest('screening')
  return { digest, screening: await store.artifacts.read<SnapshotScreening>(digest) }
}

import type { AnyExample } from '@regraft/engine'
import type { SnapshotManifest, SnapshotRow } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { ExamplePayload, ProjectStore } from '../store/types.ts'

const PAGE = 500

/**
 * The examples of one split of a snapshot, in the snapshot's order and in the form that the trainer reads.
 * Throws 'not-found' naming the first row that is gone and 'digest-mismatch' naming one that changed.
 */
export async function readExamples(
  project: ProjectStore,
  manifest: SnapshotManifest,
  split: SnapshotRow['split'],
  limit = Number.POSITIVE_INFINITY,
): Promise<AnyExample[]> {
  const rows = manifest.rows.filter((row) => row.split === split).slice(0, limit)
  const examples: AnyExample[] = []
  for (let start = 0; start < rows.length; start += PAGE) {
    const page = rows.slice(start, start + PAGE)
    const found = new Map<string, { digest: string; example: AnyExample }>()
    for await (const { id, digest, payload } of project.examples.select({ ids: page.map(({ id }) => id) })) {
      found.set(id, { digest, example: exampleOf(payload) })
    }
    for (const row of page) {
      const stored = found.get(row.id)
      if (!stored) {
        throw new RegraftError('not-found', `the example ${row.id} of the snapshot is gone`, {
          hint: 'it was removed, or erased with the person whose words it held: regraft datasets build makes a new snapshot',
        })
      }
      if (stored.digest !== row.digest) {
        throw new RegraftError('digest-mismatch', `the example ${row.id} is not the one of the snapshot`)
      }
      examples.push(stored.example)
    }
  }
  return examples
}

function exampleOf(payload: ExamplePayload): AnyExample {
  const { messages, weight, probability } = payload
  const trust = {
    ...(weight === undefined ? {} : { weight }),
    ...(probability === undefined ? {} : { probability }),
  }
  if (payload.kind === 'preference') {
    return { messages, chosen: payload.chosen, rejected: payload.rejected, ...trust }
  }
  if (payload.kind === 'desirability') {
    return { messages, completion: payload.completion, label: payload.label, ...trust }
  }
  return { messages, completion: payload.completion, ...trust }
}

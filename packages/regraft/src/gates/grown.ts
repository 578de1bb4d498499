// A suite grows when its file is sealed again with more rows, under the same name: what was trained before then has to show
// that it has not learned from the items that were added.
import {
  describePlaces,
  readSuite,
  type SnapshotManifest,
  screenAgain,
  suitesKeptOut,
} from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'

/** Rows that a message names; the measurement has them all. */
const NAMED = 5

/** How a suite stands to the build of a snapshot: kept out, sealed again since under a name that it kept out, or neither. */
export async function standingOf(
  store: ProjectStore,
  manifest: SnapshotManifest,
  suite: { name: string; digest: string },
): Promise<'kept-out' | 'grown' | 'unknown'> {
  const kept = suitesKeptOut(manifest)
  if (kept.includes(suite.digest)) return 'kept-out'
  for (const digest of kept) if ((await readSuite(store, digest)).name === suite.name) return 'grown'
  return 'unknown'
}

/**
 * Screens what an adapter learned from against a suite that has grown since; returns the digest of the measurement. Throws
 * 'incompatible' when rows hold items: then no answer of the adapter on this suite says anything.
 */
export async function requireClean(
  context: OperationContext,
  call: { adapter: string; snapshot: string; suite: string },
): Promise<string> {
  const { store, log } = context
  const { digest, screening } = await screenAgain(context, call.snapshot, call.suite)
  const { found, paraphrases = [] } = screening
  const { name } = await readSuite(store, call.suite)
  for (const { rows, embedder, threshold } of found.length === 0 ? paraphrases : []) {
    if (rows > 0) {
      log.warn(
        `${rows} rows of its snapshot resemble items of the suite '${name}', which has grown (${embedder} embedder, similarity ${threshold} † or more)`,
      )
    }
  }
  if (found.length === 0) return digest
  const named = found.slice(0, NAMED)
  const places = await describePlaces(store, named)
  const rows = named.map(({ inference }, index) => {
    const place = places[index]!
    return place.endsWith(inference) ? inference : `${inference} (${place})`
  })
  const more = found.length > NAMED ? `, and ${found.length - NAMED} more` : ''
  throw new RegraftError(
    'incompatible',
    `the suite '${name}' has grown since the adapter ${shortDigest(call.adapter)} was trained, and ${found.length} of the ${screening.rows} rows of its snapshot hold items of it: ${rows.join(', ')}${more}`,
    {
      hint: `regraft datasets build --evaluation ${name} leaves these rows out; then train again`,
      details: { screening: digest, rows: found.map(({ inference }) => inference) },
    },
  )
}

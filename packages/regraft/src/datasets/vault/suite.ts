import { RegraftError } from '../../errors/index.ts'
import type { KeyName, ProjectStore } from '../../store/types.ts'

/** How a suite artifact of schema version 2 holds an item: nothing of its text can be read without the key. */
export interface SealedItem {
  /** UUID made of a keyed digest of the item: nobody without the key can test a guess with it. */
  id: string
  /** Row of traffic that was held out as this item; null for an item from a sealed file. */
  inference: string | null
  /** Other rows that were held out because they repeat it. */
  repeats?: string[]
  /** Keyed digests of what it belongs to: an end user, a conversation. */
  entities?: string[]
  /** Words of the operator by the name of the slice (channel, language); in the clear, since no user wrote them. */
  slices?: Record<string, string>
  /** The vault's key, or that of the end user whose words it holds: erasing them makes the item unreadable. */
  key: KeyName
  /** Messages, expected answer and choices, canonical JSON, encrypted; base64. */
  sealed: string
}

/** The content of a suite artifact of schema version 2. */
export interface SealedSuite {
  name: string
  scoring: 'exact-match'
  items: SealedItem[]
  /** Lines of the sealed file that could not become an item. */
  leftOut: { line: number; reason: string }[]
}

/** What everybody may know of a suite. */
export interface VaultSuite {
  digest: string
  name: string
  scoring: 'exact-match'
  items: {
    id: string
    /** Rows of traffic that were held out as this item; none for an item from a sealed file. */
    inferences: string[]
    /** Keyed digests of the end user and the conversation that it belongs to (`entityDigest`). */
    entities: string[]
    /** By the name of the slice; none where the suite was sealed without any. */
    slices: Record<string, string>
  }[]
  leftOut: { line: number; reason: string }[]
}

/** A suite without the text of its items. Throws 'not-found', and 'invalid-input' for another kind of artifact. */
export async function readSuite(store: ProjectStore, digest: string): Promise<VaultSuite> {
  const artifact = await store.artifacts.get(digest)
  if (artifact && artifact.kind !== 'suite') {
    throw new RegraftError('invalid-input', `${digest} is a ${artifact.kind}, not an evaluation suite`)
  }
  // Versions 1 and 2 have these members in common.
  const { name, scoring, items, leftOut } = await store.artifacts.read<SealedSuite>(digest)
  return {
    ...{ digest, name, scoring, leftOut },
    items: items.map(({ id, inference, repeats = [], entities = [], slices = {} }) => {
      return { id, inferences: inference === null ? [] : [inference, ...repeats], entities, slices }
    }),
  }
}

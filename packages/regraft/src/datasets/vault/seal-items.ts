import { canonicalText, formatUuid } from '../../store/index.ts'
import type { KeyName, Keyring, Message } from '../../store/types.ts'
import { vaultKey } from './key.ts'
import type { SealedItem } from './suite.ts'

/** An item about to be sealed. */
export interface ClearItem {
  messages: Message[]
  expected: string
  /** Answers to choose from, `expected` among them. */
  choices?: readonly string[]
  /** Words of the operator by the name of the slice; they stay in the clear. */
  slices?: Readonly<Record<string, string>>
  /** Row of traffic that is held out as this item. */
  inference: string | null
  /** End user whose words it holds. */
  subject: string | null
  /** What it belongs to (`entitiesOf`): kept as keyed digests, so that a build can keep it on one side. */
  entities?: readonly string[]
}

/**
 * Seals items, equal ones once, in their order; slices of the first of equal ones count. The same items under the same keys are the same sealed bytes.
 *
 * The id is a keyed digest in the form of a UUID (version 8), so that a row made from the item can name it in
 * `derivedFrom`.
 */
export async function sealItems(
  keys: Keyring,
  suite: string,
  items: Iterable<ClearItem>,
): Promise<SealedItem[]> {
  const sealed = new Map<string, SealedItem>()
  for (const { messages, expected, choices, slices = {}, inference, subject, entities = [] } of items) {
    const prompt = messages.map(({ role, content }) => ({ role, content }))
    const text = canonicalText({ messages: prompt, expected, ...(choices ? { choices } : {}) })
    let item = sealed.get(text)
    if (item === undefined) {
      const key: KeyName = subject === null ? vaultKey(suite) : `subject/${subject}`
      const digest = await keys.digest(key, Buffer.from(`suite item\0${text}`))
      const bytes = await keys.seal(key, Buffer.from(text))
      item = {
        id: formatUuid(digest.slice('sha256:'.length), '8'),
        inference,
        key,
        sealed: Buffer.from(bytes).toString('base64'),
      }
      if (Object.keys(slices).length > 0) item.slices = { ...slices }
      sealed.set(text, item)
    } else if (inference !== null) item.repeats = [...(item.repeats ?? []), inference]
    if (entities.length > 0) {
      const digests = await Promise.all(entities.map((entity) => entityDigest(keys, suite, entity)))
      item.entities = [...new Set([...(item.entities ?? []), ...digests])]
    }
  }
  return [...sealed.values()]
}

/** The keyed digest under which a suite keeps an entity of its items. */
export async function entityDigest(keys: Keyring, suite: string, entity: string): Promise<string> {
  return await keys.digest(vaultKey(suite), Buffer.from(`suite entity\0${entity}`))
}

import { canonicalBytes, canonicalText } from '../../store/index.ts'
import type { KeyName, Keyring, Message } from '../../store/types.ts'
import { vaultKey } from './key.ts'
import type { SealedItem } from './suite.ts'

/** An item about to be sealed. */
export interface ClearItem {
  messages: Message[]
  expected: string
  /** Row of traffic that is held out as this item. */
  inference: string | null
  /** End user whose words it holds. */
  subject: string | null
}

/**
 * Seals items, equal ones once, in their order. The same items under the same keys are the same sealed bytes.
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
  for (const { messages, expected, inference, subject } of items) {
    const content = {
      messages: messages.map(({ role, content: text }) => ({ role, content: text })),
      expected,
    }
    const text = canonicalText(content)
    const known = sealed.get(text)
    if (known) {
      if (inference !== null) known.repeats = [...(known.repeats ?? []), inference]
      continue
    }
    const key: KeyName = subject === null ? vaultKey(suite) : `subject/${subject}`
    const bytes = canonicalBytes(content)
    const digest = await keys.digest(key, Buffer.concat([Buffer.from('suite item\0'), bytes]))
    sealed.set(text, {
      id: uuidOf(digest),
      inference,
      key,
      sealed: Buffer.from(await keys.seal(key, bytes)).toString('base64'),
    })
  }
  return [...sealed.values()]
}

/** UUIDv8 (RFC 9562, 5.8) of the first 122 bits of a digest. */
function uuidOf(digest: string): string {
  const hex = digest.slice('sha256:'.length)
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}

// The one place where sealed items are opened. Nothing outside this folder imports it (vault.test.ts checks that).
import { RegraftError } from '../../errors/index.ts'
import type { Message, ProjectStore } from '../../store/types.ts'
import type { SealedSuite } from './suite.ts'

/** An item with its text. */
export interface OpenItem {
  id: string
  messages: Message[]
  expected: string
  /** Answers to choose from, where the item has them. */
  choices?: string[]
}

export interface OpenSuite {
  name: string
  items: OpenItem[]
  /** Ids of items that nobody can read any more, since the end user whose words they held was erased. */
  erased: string[]
}

/** Suites were not sealed at first: schema version 1 holds its items in the clear. */
interface ClearSuite {
  name: string
  items: { id: string; messages: Message[]; expected: string }[]
}

/** Opens the items of a suite. Throws 'not-found' when the suite, or the vault's own key, is gone. */
export async function openItems(store: ProjectStore, digest: string): Promise<OpenSuite> {
  const { artifact, bytes } = await store.artifacts.readBytes(digest)
  const suite = JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
  if (artifact.schemaVersion === 1) {
    const { name, items } = suite as ClearSuite
    return {
      name,
      items: items.map(({ id, messages, expected }) => ({ id, messages, expected })),
      erased: [],
    }
  }
  const { name, items } = suite as SealedSuite
  const opened: OpenSuite = { name, items: [], erased: [] }
  for (const { id, key, sealed } of items) {
    const content = await store.keys.open(key, Buffer.from(sealed, 'base64'))
    if (content !== null) {
      const item = JSON.parse(Buffer.from(content).toString('utf8')) as Omit<OpenItem, 'id'>
      opened.items.push({ id, ...item })
    } else if (key.startsWith('subject/')) opened.erased.push(id)
    else {
      throw new RegraftError('not-found', `the key ${key} is gone: the suite '${name}' cannot be opened`, {
        hint: 'restore the folder of keys from a backup, or seal the suite again',
      })
    }
  }
  return opened
}

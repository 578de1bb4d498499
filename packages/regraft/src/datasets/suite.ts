import { createHash } from 'node:crypto'
import type { ImportedRow } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { InferenceRow, Message, ProjectStore } from '../store/types.ts'
import type { SuiteItem } from './manifest.ts'

const ALIAS_PREFIX = 'suite/'

/** The item that a labelled row makes; null when the row carries no human answer. */
export function suiteItemOf({ inference, feedback }: ImportedRow): SuiteItem | null {
  const label = feedback.find(({ payload }) => payload.type === 'label')?.payload
  if (label?.type !== 'label') return null
  return suiteItem(inference.payload.messages, label.value.trim(), null)
}

/** The item that a row of traffic with a known answer makes. */
export function heldOutItem(inference: InferenceRow, expected: string): SuiteItem {
  return suiteItem(inference.payload.messages, expected, inference.id)
}

function suiteItem(messages: readonly Message[], expected: string, inference: string | null): SuiteItem {
  const prompt = messages.map(({ role, content }) => ({ role, content }))
  const id = createHash('sha256')
    .update(JSON.stringify([prompt, expected]))
    .digest('hex')
    .slice(0, 16)
  return { id, messages: prompt, expected, inference }
}

/** Each item once. */
export function uniqueItems(items: readonly SuiteItem[]): SuiteItem[] {
  return [...new Map(items.map((item) => [item.id, item])).values()]
}

export async function nameSuite(store: ProjectStore, name: string, digest: string): Promise<void> {
  await store.aliases.set(ALIAS_PREFIX + name, digest)
}

export async function listSuites(store: ProjectStore): Promise<{ name: string; digest: string }[]> {
  const aliases = await store.aliases.list(ALIAS_PREFIX)
  return aliases.map(({ name, digest }) => ({ name: name.slice(ALIAS_PREFIX.length), digest }))
}

/** The suite of a name. Throws 'not-found' with the names there are. */
export async function requireSuite(
  store: ProjectStore,
  name: string,
): Promise<{ name: string; digest: string }> {
  const suites = await listSuites(store)
  const found = suites.find((suite) => suite.name === name)
  if (found) return found
  const known =
    suites.length > 0 ? `sealed: ${suites.map((suite) => suite.name).join(', ')}` : 'none is sealed yet'
  throw new RegraftError('not-found', `there is no evaluation suite '${name}'; ${known}`, {
    hint: 'regraft datasets seal evaluation.csv --as <name> --text <column> --label <column>',
  })
}

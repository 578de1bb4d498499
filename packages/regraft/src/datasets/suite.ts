import type { ImportedRow } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { InferenceRow, ProjectStore } from '../store/types.ts'
import { entitiesOf } from './entities.ts'
import type { ClearItem } from './vault/index.ts'

const ALIAS_PREFIX = 'suite/'

/** The item that a labelled row makes; null when the row carries no human answer. Its end user is named by a keyed hash. */
export function suiteItemOf({ inference, feedback }: ImportedRow, subject: string | null): ClearItem | null {
  const label = feedback.find(({ payload }) => payload.type === 'label')?.payload
  if (label?.type !== 'label') return null
  const { messages } = inference.payload
  const entities = entitiesOf({ subject, payload: inference.payload })
  return { messages, expected: label.value.trim(), inference: null, subject, entities }
}

/** The item that a row of traffic with a known answer makes. */
export function heldOutItem(inference: InferenceRow, expected: string): ClearItem {
  const { id, payload, subject } = inference
  return { messages: payload.messages, expected, inference: id, subject, entities: entitiesOf(inference) }
}

export async function nameSuite(store: ProjectStore, name: string, digest: string): Promise<void> {
  await store.aliases.set(ALIAS_PREFIX + name, digest)
}

export async function listSuites(store: ProjectStore): Promise<{ name: string; digest: string }[]> {
  const aliases = await store.aliases.list(ALIAS_PREFIX)
  return aliases.map(({ name, digest }) => ({ name: name.slice(ALIAS_PREFIX.length), digest }))
}

/** Fresh suites, one per cycle, stand beside the suite of a task: none of them is the one that a build is kept from. */
export const FRESH_PREFIX = 'fresh/'

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

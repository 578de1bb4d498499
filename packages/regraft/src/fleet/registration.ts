import { RegraftError } from '../errors/index.ts'
import type { BaseRecord } from '../models/index.ts'
import type { ProjectStore } from '../store/types.ts'

/** Everything that somebody who never met the author needs to rebuild, judge and answer for an adapter. */
export interface Registration {
  name: string
  /** 1 for the first adapter of this name, counted up. */
  version: number
  adapter: string
  owner: string
  deputy: string
  base: { artifact: string; name: string; precision: string; digests: BaseRecord['digests'] }
  /** `rows` are those trained on, without the validation part. */
  snapshot: { artifact: string; rows: number; dropped: number; consent: string }
  recipe: string
  run: string
  /** The execution that trained it, with code versions and machine lock. */
  execution: string
  seeds: number[]
  environment: Record<string, unknown>
  suite: { artifact: string; items: number }
  /** Share of suite items answered correctly, with a Wilson interval. */
  score: { accuracy: number; low: number; high: number; level: number; n: number }
  verdict: string
  routes: string[]
  registeredAt: string
}

const ALIAS_PREFIX = 'adapter/'

export interface RegisteredAdapter {
  digest: string
  registration: Registration
}

/** The current registration of each name, by name; `read` may remember artifacts, which never change. */
export async function listRegistrations(
  store: ProjectStore,
  read: (digest: string) => Promise<Registration> = (digest) => store.artifacts.read(digest),
): Promise<RegisteredAdapter[]> {
  const aliases = await store.aliases.list(ALIAS_PREFIX)
  const found: RegisteredAdapter[] = []
  for (const { digest } of aliases) found.push({ digest, registration: await read(digest) })
  return found.sort((a, b) => (a.registration.name < b.registration.name ? -1 : 1))
}

/** The current registration of a name. Throws 'not-found' with the names there are. */
export async function requireRegistration(store: ProjectStore, name: string): Promise<RegisteredAdapter> {
  const digest = await store.aliases.get(ALIAS_PREFIX + name)
  if (digest) return { digest, registration: await store.artifacts.read(digest) }
  const names = (await listRegistrations(store)).map(({ registration }) => registration.name)
  const known = names.length > 0 ? `registered: ${names.join(', ')}` : 'none is registered yet'
  throw new RegraftError('not-found', `there is no adapter '${name}'; ${known}`, {
    hint: 'regraft fleet list',
  })
}

export async function setCurrent(
  store: ProjectStore,
  registration: Registration,
  digest: string,
): Promise<void> {
  await store.aliases.set(ALIAS_PREFIX + registration.name, digest)
}

export async function nextVersion(store: ProjectStore, name: string): Promise<number> {
  const digest = await store.aliases.get(ALIAS_PREFIX + name)
  return digest ? (await store.artifacts.read<Registration>(digest)).version + 1 : 1
}

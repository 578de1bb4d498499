import { RegraftError } from '../errors/index.ts'
import type { ProjectStore } from '../store/types.ts'

/** What a version of a registered name may be at the moment: the one that answers, and the one that may be next. */
export const FLEET_ALIASES = ['champion', 'candidate'] as const
export type FleetAlias = (typeof FLEET_ALIASES)[number]

/** A version of a registered name, by its number or by what it is at the moment. */
export interface Reference {
  name: string
  which: FleetAlias | number
}

const PREFIX = 'adapter/'
const REFERENCE = /^([a-z0-9][a-z0-9._-]*)(?:@(?:v?([1-9]\d{0,8})|(champion|candidate)))?$/

/** Reads `routing`, `routing@candidate` or `routing@2`; without more a name means its champion. Null for what is none. */
export function parseReference(text: string): Reference | null {
  const [, name, version, alias] = REFERENCE.exec(text) ?? []
  if (name === undefined) return null
  if (version !== undefined) return { name, which: Number(version) }
  return { name, which: alias === 'candidate' ? 'candidate' : 'champion' }
}

/** The store's alias of a reference. */
export function aliasOf({ name, which }: Reference): string {
  return which === 'champion' ? PREFIX + name : `${PREFIX}${name}@${which}`
}

/** A registered name with its versions: registrations by digest. */
export interface FleetName {
  name: string
  champion: string | null
  candidate: string | null
  versions: Map<number, string>
}

/** The registered names, in their order. */
export async function listNames(store: ProjectStore): Promise<FleetName[]> {
  const names = new Map<string, FleetName>()
  for (const { name: alias, digest } of await store.aliases.list(PREFIX)) {
    const reference = parseReference(alias.slice(PREFIX.length))
    if (reference === null) continue
    const { name, which } = reference
    const known = names.get(name) ?? { name, champion: null, candidate: null, versions: new Map() }
    names.set(name, known)
    if (typeof which === 'number') known.versions.set(which, digest)
    else known[which] = digest
  }
  return [...names.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The registration that a reference leads to. Throws 'not-found' with what there is. */
export async function requireReference(store: ProjectStore, text: string): Promise<string> {
  const reference = parseReference(text)
  const digest = reference === null ? null : await store.aliases.get(aliasOf(reference))
  if (digest !== null) return digest
  const names = await listNames(store)
  const known = names.find(({ name }) => name === reference?.name)
  const there = known
    ? describeName(known)
    : names.length > 0
      ? `registered: ${names.map(({ name }) => name).join(', ')}`
      : 'none is registered yet'
  throw new RegraftError('not-found', `there is no adapter '${text}'; ${there}`, {
    hint: 'regraft fleet list',
  })
}

function describeName({ name, champion, candidate, versions }: FleetName): string {
  const numbers = [...versions.keys()].sort((a, b) => a - b)
  const aliases = [champion === null ? [] : ['champion'], candidate === null ? [] : ['candidate']].flat()
  return `of ${name} there is ${[...numbers, ...aliases].map((which) => `@${which}`).join(', ')}`
}

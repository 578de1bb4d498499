import { RegraftError } from '../errors/index.ts'
import type { BaseRecord } from '../models/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { listNames, requireReference } from './names.ts'

export const REGISTRATION_SCHEMA = 2

/** Something that a record lacks, with the command or setting that adds it. */
export interface MissingEntry {
  entry: string
  fix: string
}

/** What an adapter was trained on, as its record holds it for good. */
export type RegisteredBase =
  | {
      kind: 'local'
      artifact: string
      name: string
      /** Commit of the repository it was pulled from; null for files that came from elsewhere. */
      revision: string | null
      precision: string
      digests: BaseRecord['digests']
    }
  /** `fingerprint` is the measurement of its answers to a frozen probe set. */
  | {
      kind: 'hosted'
      artifact: string
      name: string
      upstream: string
      model: string
      fingerprint: string
    }
  | { kind: 'absent'; artifact: string; name: string; revision: string | null }

interface Registered {
  name: string
  /** 1 for the first adapter of this name, counted up. */
  version: number
  adapter: string
  seeds: number[]
  environment: Record<string, unknown>
  routes: string[]
  registeredAt: string
}

/** `rows` are those trained on, without the validation part. */
interface RegisteredSnapshot {
  artifact: string
  rows: number
  dropped: number
  consent: string
}

/** Share of suite items answered correctly, with a Wilson interval. */
interface RegisteredScore {
  accuracy: number
  low: number
  high: number
  level: number
  n: number
}

/** Everything that somebody who never met the author needs to rebuild, judge and answer for an adapter. */
export interface TrainedRegistration extends Registered {
  origin: 'trained'
  owner: string
  deputy: string
  base: Extract<RegisteredBase, { kind: 'local' }>
  snapshot: RegisteredSnapshot
  recipe: string
  run: string
  /** The execution that trained it, with code versions and machine lock. */
  execution: string
  suite: { artifact: string; items: number }
  score: RegisteredScore
  verdict: string
  missing: never[]
}

/** An adapter that was trained elsewhere: what nobody here knows is null, and listed in `missing`. */
export interface AdoptedRegistration extends Registered {
  origin: 'adopted'
  owner: string | null
  deputy: string | null
  base: RegisteredBase
  snapshot: RegisteredSnapshot | null
  recipe: string | null
  run: string | null
  execution: string | null
  suite: { artifact: string; items: number } | null
  score: RegisteredScore | null
  verdict: string | null
  missing: MissingEntry[]
}

export type Registration = TrainedRegistration | AdoptedRegistration

/** As it was stored before adapters from elsewhere could be registered. */
type RegistrationV1 = Omit<TrainedRegistration, 'origin' | 'missing' | 'base'> & {
  base: Omit<TrainedRegistration['base'], 'kind' | 'revision'>
}

/** A stored registration of any version as one of today; what is stored stays as it is. */
export function upcastRegistration(stored: Registration | RegistrationV1): Registration {
  if ('origin' in stored) return stored
  return {
    ...stored,
    origin: 'trained',
    base: { kind: 'local', revision: null, ...stored.base },
    missing: [],
  }
}

/** Reads a registration of any version. */
export async function readRegistration(store: ProjectStore, digest: string): Promise<Registration> {
  return upcastRegistration(await store.artifacts.read<Registration | RegistrationV1>(digest))
}

/** A registration whose record is whole. Throws 'incompatible' with what an adopted one lacks. */
export function requireTrained(registration: Registration): TrainedRegistration {
  if (registration.origin === 'trained') return registration
  const { name, version, missing } = registration
  const lacks = missing.map(({ entry }) => entry).join(', ')
  throw new RegraftError(
    'incompatible',
    `${name} v${version} was adopted: its record lacks ${lacks || 'its training'}`,
    { hint: `regraft fleet show ${name} says what would add it` },
  )
}

export interface RegisteredAdapter {
  digest: string
  registration: Registration
}

/** The champion of each name, by name. */
export async function listRegistrations(store: ProjectStore): Promise<RegisteredAdapter[]> {
  const found: RegisteredAdapter[] = []
  for (const { champion: digest } of await listNames(store)) {
    if (digest !== null) found.push({ digest, registration: await readRegistration(store, digest) })
  }
  return found
}

/** The registration of `routing` (its champion), `routing@candidate` or `routing@2`. Throws 'not-found' with what there is. */
export async function requireRegistration(
  store: ProjectStore,
  reference: string,
): Promise<RegisteredAdapter> {
  const digest = await requireReference(store, reference)
  return { digest, registration: await readRegistration(store, digest) }
}

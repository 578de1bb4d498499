import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type BaseDigests, changedPart, type DecoderConfig } from '@regraft/engine'
import type { Config } from '../config/index.ts'
import { type ErrorCode, RegraftError } from '../errors/index.ts'
import type { Artifact, ProjectStore } from '../store/types.ts'
import { listPulledBases, readPulledBase } from './pulled-bases.ts'

/** The base that comes with Regraft: small enough for the demo and the tests. */
export const BUNDLED_BASE = 'regraft-nano'
export const BUNDLED_PATH = fileURLToPath(new URL('../../bases/regraft-nano', import.meta.url))

/** What an adapter depends on; the path is not part of it, so that a base may move. */
export interface BaseRecord {
  name: string
  format: 'huggingface' | 'gguf'
  precision: string
  config: DecoderConfig
  digests: BaseDigests
}

/** A base that a provider runs: its weights are not to be had, so its answers to a frozen probe set stand for them. */
export interface HostedBase {
  name: string
  format: 'hosted'
  /** Name of the upstream in regraft.yaml. */
  upstream: string
  /** What the provider calls it. */
  model: string
  /** Digest of the fingerprint (a measurement) that it was recorded with. */
  fingerprint: string
}

/** A base that is not on this machine: all that is known of it is what an adapter says. */
export interface AbsentBase {
  name: string
  format: 'absent'
  revision: string | null
}

/** The content of a base artifact. */
export type AnyBase = BaseRecord | HostedBase | AbsentBase

export function isLocalBase(base: AnyBase): base is BaseRecord {
  return base.format !== 'hosted' && base.format !== 'absent'
}

/** A base whose weights can be read. Throws 'incompatible' for one that is hosted or not on this machine. */
export function requireLocalBase(base: AnyBase): BaseRecord {
  if (isLocalBase(base)) return base
  if (base.format === 'hosted') {
    throw new RegraftError('incompatible', `the base ${base.name} is hosted: its weights are not here`, {
      hint: 'choose an adapter whose base is on this machine: regraft models list',
    })
  }
  const revision = base.revision === null ? '' : ` --revision ${base.revision}`
  throw new RegraftError('incompatible', `the base ${base.name} is not on this machine`, {
    hint: `regraft models pull ${base.name}${revision}, then adopt the adapter again`,
  })
}

export interface FoundBase {
  name: string
  path: string
  /** ISO date after which the base is no longer offered; null when unknown. */
  endOfLife: string | null
}

/**
 * Where a base lies: the entry of the configuration, else one that was pulled, else the bundled one.
 * Throws 'not-found' with the names there are.
 */
export function findBase(config: Pick<Config, 'bases' | 'dataDirectory'>, name: string): FoundBase {
  const entry = Object.hasOwn(config.bases, name) ? config.bases[name] : undefined
  if (entry) return { name, path: entry.path, endOfLife: entry.endOfLife ?? null }
  const pulled = readPulledBase(config.dataDirectory, name)
  if (pulled) return { name, path: pulled.path, endOfLife: null }
  if (name === BUNDLED_BASE) return { name, path: BUNDLED_PATH, endOfLife: null }
  throw new RegraftError('not-found', `there is no base '${name}'; known: ${baseNames(config).join(', ')}`, {
    hint: `add bases.${name}.path to regraft.yaml, or fetch it: regraft models pull <org/name> --as ${name}`,
  })
}

/** The names of all bases that can be used. */
export function baseNames(config: Pick<Config, 'bases' | 'dataDirectory'>): string[] {
  const pulled = listPulledBases(config.dataDirectory).map(({ name }) => name)
  return [...new Set([...Object.keys(config.bases), ...pulled, BUNDLED_BASE])]
}

type Inspected = Omit<BaseRecord, 'name'>

/** Reads what a base is, digests included, in a worker thread. */
export function inspectBase(base: FoundBase): Promise<BaseRecord> {
  if (!existsSync(base.path)) {
    throw new RegraftError('not-found', `the base ${base.name} is not at ${base.path}`, {
      hint: `put it back, correct bases.${base.name}.path in regraft.yaml, or pull the base again`,
    })
  }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./inspect-base-worker.ts', import.meta.url), { workerData: base.path })
    worker.once('error', reject)
    worker.once(
      'message',
      (message: { inspected?: Inspected; failed?: { code: ErrorCode; message: string; hint?: string } }) => {
        if (message.inspected) return resolve({ name: base.name, ...message.inspected })
        const { code, message: text, hint } = message.failed!
        reject(new RegraftError(code, text, { hint }))
      },
    )
  })
}

/**
 * Records a base as an artifact. A name stands for one base for good: throws 'digest-mismatch', naming the part, when
 * the files of a recorded name changed.
 */
export async function recordBase(
  store: ProjectStore,
  base: FoundBase,
): Promise<{ artifact: Artifact; record: BaseRecord }> {
  const record = await inspectBase(base)
  const alias = `base/${base.name}`
  const earlier = await store.aliases.get(alias)
  if (earlier) refuseChange(requireLocalBase(await store.artifacts.read<AnyBase>(earlier)), record, base)
  const artifact = await store.artifacts.put({ kind: 'base', schemaVersion: 1, value: record })
  await store.aliases.set(alias, artifact.digest)
  return { artifact, record }
}

/** Finds the recorded base on this machine. Throws 'not-found' or, naming the part, 'digest-mismatch'. */
export async function requireRecordedBase(config: Config, record: BaseRecord): Promise<FoundBase> {
  const found = findBase(config, record.name)
  refuseChange(record, await inspectBase(found), found)
  return found
}

function refuseChange(recorded: BaseRecord, present: BaseRecord, { name, path }: FoundBase): void {
  const part = changedPart(recorded.digests, present.digests)
  if (part === null) return
  const [then, now] = [recorded.digests[part], present.digests[part]].map(
    (digest) => digest.slice(0, 12) || 'none',
  )
  throw new RegraftError(
    'digest-mismatch',
    `the ${part} of base ${name} changed: recorded ${then}, found ${now}`,
    {
      hint: `put the recorded files back at ${path}, or give the changed base another name in regraft.yaml`,
    },
  )
}

import { readFileSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import type { Keyring, ProjectStore } from '../store/types.ts'
import type { SnapshotParameters } from './build-snapshot.ts'

/** The list of names is personal data itself: parameters of a step hold it sealed under this key. */
const KEY = 'vault/pii-names'

/** The names of a configuration, each once, in order. Throws 'invalid-config' when their file cannot be read. */
export function readNames({ privacy: { names, namesFile } }: Pick<Config, 'privacy'>): string[] {
  return [...new Set([...names, ...(namesFile === undefined ? [] : namesIn(namesFile))])].sort()
}

/** How a build treats personal data: as asked, else as configured. */
export async function piiParameters(
  store: ProjectStore,
  config: Config,
  asked: Config['privacy']['pii'] | undefined,
): Promise<SnapshotParameters['pii']> {
  const names = readNames(config)
  const sealed = names.length === 0 ? null : await store.keys.seal(KEY, Buffer.from(JSON.stringify(names)))
  return {
    mode: asked ?? config.privacy.pii,
    names: sealed === null ? null : Buffer.from(sealed).toString('base64'),
  }
}

/** The names that `piiParameters` sealed. Throws 'not-found' when their key is gone. */
export async function openNames(keys: Keyring, sealed: string | null): Promise<string[]> {
  if (sealed === null) return []
  const bytes = await keys.open(KEY, Buffer.from(sealed, 'base64'))
  if (bytes !== null) return JSON.parse(Buffer.from(bytes).toString()) as string[]
  throw new RegraftError('not-found', 'the key of the list of names is gone', {
    hint: 'restore the keys directory from a backup, or build a new snapshot: regraft datasets build',
  })
}

/** One name per line; empty lines and lines that begin with # are passed over. */
function namesIn(path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new RegraftError(
      'invalid-config',
      `the names of ${path} cannot be read: ${(cause as Error).message}`,
      {
        hint: 'correct privacy.namesFile in regraft.yaml',
        cause,
      },
    )
  }
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

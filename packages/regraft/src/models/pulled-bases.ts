import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { RegraftError } from '../errors/index.ts'

/** Where a base came from. */
export type BaseSource =
  | { kind: 'hub'; repository: string; revision: string; commit: string; file: string | null }
  | { kind: 'path'; path: string }
  | { kind: 'wheels'; wheels: string[] }

interface PulledFile {
  /** Name in the base's folder, or of the GGUF file. */
  path: string
  size: number
  /** sha256 in hexadecimal. */
  sha256: string
}

/** The content of `models/<name>/base.json`: it is there once the base is whole. */
export interface PulledBase {
  version: 1
  name: string
  source: BaseSource
  /** Folder or GGUF file: below the base's folder when it was fetched, absolute when it is used in place. */
  path: string
  files: PulledFile[]
  pulledAt: string
}

const RECORD = 'base.json'
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Throws 'invalid-input' for a name that cannot be a folder's. */
export function checkBaseName(name: string): void {
  if (NAME.test(name)) return
  throw new RegraftError('invalid-input', `'${name}' cannot name a base`, {
    hint: 'choose a name of letters, digits, dots, dashes and underscores with --as',
    details: { param: 'as' },
  })
}

/** The folder of a base in the data directory. */
export function baseFolder(dataDirectory: string, name: string): string {
  return join(dataDirectory, 'models', name)
}

/** A pulled base, with its path made absolute; null when there is none of this name. */
export function readPulledBase(dataDirectory: string, name: string): PulledBase | null {
  if (!NAME.test(name)) return null
  const folder = baseFolder(dataDirectory, name)
  const record = join(folder, RECORD)
  if (!existsSync(record)) return null
  try {
    const base = JSON.parse(readFileSync(record, 'utf8')) as PulledBase
    return { ...base, path: resolve(folder, base.path) }
  } catch (cause) {
    throw new RegraftError('invalid-file', `${record} cannot be read: ${(cause as Error).message}`, {
      hint: `remove ${folder} and pull the base again`,
      cause,
    })
  }
}

/** The commit that a base was pulled at; null for files that came from elsewhere. */
export function recordedRevision(
  { bases, dataDirectory }: { bases: Record<string, unknown>; dataDirectory: string },
  name: string,
): string | null {
  if (Object.hasOwn(bases, name)) return null
  const source = readPulledBase(dataDirectory, name)?.source
  return source?.kind === 'hub' ? source.commit : null
}

/** The repository that a base was pulled from; null for files that came from elsewhere. */
export function repositoryOf(
  { bases, dataDirectory }: { bases: Record<string, unknown>; dataDirectory: string },
  name: string,
): string | null {
  if (Object.hasOwn(bases, name)) return null
  const source = readPulledBase(dataDirectory, name)?.source
  return source?.kind === 'hub' ? source.repository : null
}

/** The pulled bases, in the order of their names. */
export function listPulledBases(dataDirectory: string): PulledBase[] {
  const folder = join(dataDirectory, 'models')
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .flatMap((name) => readPulledBase(dataDirectory, name) ?? [])
}

/** Makes a base known: from now on its name can be used. */
export async function writePulledBase(dataDirectory: string, base: PulledBase): Promise<void> {
  const folder = baseFolder(dataDirectory, base.name)
  await mkdir(folder, { recursive: true })
  const record = join(folder, RECORD)
  await writeFile(`${record}.part`, `${JSON.stringify(base, null, 2)}\n`)
  await rename(`${record}.part`, record)
}

/** The files of a base with their paths, where the base lies. */
export function filesOf(path: string, files: readonly PulledFile[]): PulledFile[] {
  const single = files.length === 1 && basename(path) === files[0]!.path
  return files.map((file) => ({ ...file, path: single ? path : join(path, file.path) }))
}

/** One line for people. */
export function describeSource(source: BaseSource): string {
  if (source.kind === 'path') return source.path
  if (source.kind === 'wheels') return source.wheels.map((path) => basename(path)).join(' ')
  const file = source.file ? ` ${source.file}` : ''
  return `${source.repository}${file} at ${source.revision} (${source.commit.slice(0, 12)})`
}

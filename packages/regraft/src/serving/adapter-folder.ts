import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Config } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { ADAPTER_FILES } from '../models/index.ts'

const { needed: NEEDED, compared: COMPARED } = ADAPTER_FILES

export interface CopiedAdapter {
  /** sha256 over the files' sums: what the journal calls the adapter. */
  digest: string
  folder: string
  /** base_model_name_or_path of adapter_config.json. */
  baseName: string | null
}

/**
 * Copies a PEFT folder below `server.adapterDirectory` into the data directory, so that what is served does not change
 * with it. Throws 'forbidden' for a path elsewhere, links followed, and 'not-found' for a file that is missing.
 */
export async function copyAdapterFolder(config: Config, folderPath: string): Promise<CopiedAdapter> {
  const allowed = config.server.adapterDirectory
  if (allowed === undefined) {
    throw new RegraftError('forbidden', 'this server takes no adapters from paths', {
      hint: 'set server.adapterDirectory in regraft.yaml, or give a registered adapter by name or digest',
      details: { param: 'lora_path' },
    })
  }
  const root = await realpath(allowed).catch(() => null)
  if (root === null) {
    throw new RegraftError('not-found', 'the folder of server.adapterDirectory is not there', {
      hint: 'make it, or correct server.adapterDirectory in regraft.yaml',
    })
  }
  const found: { name: string; path: string }[] = []
  for (const name of NEEDED) {
    const path = await insideOf(root, resolve(root, folderPath), name)
    if (path === null) throw missing(name)
    found.push({ name, path })
  }
  for (const name of COMPARED) {
    const path = await insideOf(root, resolve(root, folderPath), name)
    if (path !== null) found.push({ name, path })
  }
  const sums: string[] = []
  for (const { path } of found) sums.push(sha256(await readFile(path)))
  // What lies beside the two files that every adapter has is named, lest one of them be taken for another.
  const named = sums.map((sum, index) => (index < NEEDED.length ? sum : `${found[index]!.name} ${sum}`))
  const hex = sha256(named.join('\n'))
  const folder = join(config.dataDirectory, 'adapters', hex)
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}.unfinished`
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true })
    for (const { name, path } of found) await copyFile(path, join(unfinished, name))
    await rename(unfinished, folder)
  }
  return { digest: `sha256:${hex}`, folder, baseName: await readBaseName(join(folder, NEEDED[0])) }
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function missing(file: string): RegraftError {
  return new RegraftError('not-found', `the adapter's folder has no ${file}`, {
    hint: 'give the folder that PEFT saved, with adapter_config.json and adapter_model.safetensors',
    details: { param: 'lora_path' },
  })
}

/** The file with links followed; null when there is none. Throws 'forbidden' when it lies elsewhere. */
async function insideOf(root: string, folder: string, file: string): Promise<string | null> {
  const outside = (path: string) => {
    const way = relative(root, path)
    return way.startsWith('..') || isAbsolute(way)
  }
  const refuse = () =>
    new RegraftError('forbidden', 'the path is not below server.adapterDirectory', {
      hint: 'move the adapter there, or give a registered adapter by name or digest',
      details: { param: 'lora_path' },
    })
  // Before anything is looked up: what lies outside shall not even be told to exist.
  if (outside(folder)) throw refuse()
  const real = await realpath(join(folder, file)).catch(() => null)
  if (real === null) return null
  if (outside(real)) throw refuse()
  return real
}

async function readBaseName(path: string): Promise<string | null> {
  try {
    const config = JSON.parse(await readFile(path, 'utf8')) as { base_model_name_or_path?: unknown }
    return typeof config.base_model_name_or_path === 'string' ? config.base_model_name_or_path : null
  } catch (cause) {
    throw new RegraftError(
      'invalid-file',
      `adapter_config.json is no valid JSON: ${(cause as Error).message}`,
      {
        details: { param: 'lora_path' },
        cause,
      },
    )
  }
}

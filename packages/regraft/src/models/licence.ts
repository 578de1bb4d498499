import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError, ggufLicence } from '@regraft/engine'
import type { Config } from '../config/index.ts'
import { findBase } from './bases.ts'
import { readCardMetadata } from './card-metadata.ts'
import { baseFolder } from './pulled-bases.ts'

/** The licence of a base as its files state it: an identifier, else the first line of a licence file; null for none. */
export function licenceOfBase(config: Pick<Config, 'bases' | 'dataDirectory'>, name: string): string | null {
  const { path } = findBase(config, name)
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return null
  const stated = found.isDirectory() ? readCardMetadata(path)?.license : readGguf(path)
  if (typeof stated === 'string' && stated !== '') return stated
  const notices = join(baseFolder(config.dataDirectory, name), 'notices')
  return firstLine(found.isDirectory() ? path : null) ?? firstLine(existsSync(notices) ? notices : null)
}

function readGguf(path: string): string | null {
  try {
    return ggufLicence(path)
  } catch (error) {
    if (error instanceof EngineError) return null
    throw error
  }
}

function firstLine(folder: string | null): string | null {
  if (folder === null) return null
  const name = readdirSync(folder).find((file) => /^(licen[cs]e|copying)/i.test(file))
  if (name === undefined) return null
  const lines = readFileSync(join(folder, name), 'utf8').slice(0, 4096).split('\n')
  return lines.map((line) => line.trim()).find((line) => line !== '') ?? null
}

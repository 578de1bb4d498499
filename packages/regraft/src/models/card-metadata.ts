import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

const LARGEST_CARD = 4 * 1024 * 1024

/** The metadata block of a folder's README.md (https://huggingface.co/docs/hub/model-cards); null without a readable one. */
export function readCardMetadata(folder: string): Record<string, unknown> | null {
  const path = join(folder, 'README.md')
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size > LARGEST_CARD) return null
  const block = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readFileSync(path, 'utf8'))?.[1]
  if (block === undefined) return null
  try {
    const value: unknown = parse(block, { schema: 'core', maxAliasCount: 10 })
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './schema.ts'

/**
 * Makes a folder for files that its maker removes at the end. It lies in the data directory, not among those of the system: what a
 * killed process leaves may hold rows, and an erasure finds it here.
 */
export async function makeWorkFolder(
  { dataDirectory }: Pick<Config, 'dataDirectory'>,
  purpose: string,
): Promise<string> {
  const parent = join(dataDirectory, 'work')
  await mkdir(parent, { recursive: true, mode: 0o700 })
  return await mkdtemp(join(parent, `${purpose}-`))
}

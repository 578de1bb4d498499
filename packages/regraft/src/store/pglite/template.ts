/**
 * A new PGlite database takes 3.4 s and 1 GB of memory (initdb in WebAssembly, then the migrations); a copy of a
 * migrated empty one takes 0.05 s. The template is cached rather than shipped: a dump is 4.5 MB gzipped, changes
 * with every migration and every PGlite release, and is only valid for exactly that release.
 * (Measured with PGlite 0.5.16 on two 2020s cloud cores; loading the gzipped dump takes 0.5 s.)
 */
import { randomUUID } from 'node:crypto'
import { constants, cpSync, readFileSync } from 'node:fs'
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { RegraftError } from '../../errors/index.ts'
import { openPglite } from '../database.ts'
import { migrate, migrationsDigest } from '../migrations/index.ts'

const PREFIX = 'pglite-'
const UNUSED_FOR_MS = 30 * 24 * 3600 * 1000

/**
 * Makes sure that the directory holds a database: the template's copy when there is none.
 * The copy is renamed into place, so that a crash leaves a whole database or nothing.
 */
export async function ensurePgliteDirectory(directory: string, cache = cacheDirectory()): Promise<void> {
  if (await exists(join(directory, 'PG_VERSION'))) return
  await mkdir(dirname(directory), { recursive: true })
  const temporary = `${directory}.${randomUUID()}.part`
  try {
    const template = await cachedTemplate(cache)
    if (template) cpSync(template, temporary, { recursive: true, mode: constants.COPYFILE_FICLONE })
    else await createTemplate(temporary)
    await rename(temporary, directory)
  } catch (error) {
    if (!isNotEmpty(error)) throw error
    throw new RegraftError('unavailable', `${directory} holds files, but no database`, {
      hint: 'Move them elsewhere, or point --data at another directory.',
      cause: error,
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** The template's folder, made when it is missing; null when the cache cannot be written. */
async function cachedTemplate(cache: string): Promise<string | null> {
  const template = join(cache, templateName())
  if (await exists(join(template, 'PG_VERSION'))) return template
  const temporary = `${template}.${randomUUID()}.part`
  try {
    await mkdir(cache, { recursive: true })
    await access(cache, constants.W_OK)
  } catch {
    return null
  }
  try {
    await createTemplate(temporary)
    await removeStaleTemplates(cache)
    // Another process may have been first: its template is as good.
    await rename(temporary, template).catch((error: unknown) => {
      if (!isNotEmpty(error)) throw error
    })
    return template
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function createTemplate(directory: string): Promise<void> {
  const database = await openPglite(directory)
  try {
    await migrate(database.kysely)
    await database.pool.query('checkpoint')
  } finally {
    await database.close()
  }
}

async function removeStaleTemplates(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    if (!name.startsWith(PREFIX)) continue
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > UNUSED_FOR_MS) await rm(path, { recursive: true, force: true })
  }
}

function templateName(): string {
  // The package does not export its package.json, but its entry file is one folder below it.
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8'))
  return `${PREFIX}${version}-${migrationsDigest().slice(0, 16)}`
}

function cacheDirectory(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'regraft')
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function isNotEmpty(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}

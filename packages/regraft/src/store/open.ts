import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RegraftError } from '../errors/index.ts'
import { sweepIncoming } from './blobs.ts'
import { type Database, openPglite, openPostgres } from './database.ts'
import { ENGINES, type EngineName } from './engines.ts'
import { migrate } from './migrations/index.ts'
import { ensurePgliteDirectory } from './pglite/template.ts'
import { BLOBS, projectStore } from './project.ts'
import { ProjectScope } from './scope.ts'
import { Statistics } from './statistics.ts'
import type { ProjectStore } from './types.ts'

export interface StoreOptions {
  /** Holds the blobs, and the database when no `databaseUrl` is given. Made when missing. */
  dataDirectory: string
  /** `postgres://…`: the database of several servers and workers. */
  databaseUrl?: string
  /** Holds the keys of subjects and vaults; else `keys` in the data directory. Servers of one database share it. */
  keysDirectory?: string
}

/** Runs SQL text on the store's own connections; has the shape that pg-boss asks of its `db` option. */
export interface SqlExecutor {
  /** Without values the text may hold several statements; their rows come back one after the other. */
  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

export interface Store {
  readonly engine: EngineName
  /** The only handle on stored data. The project comes into being with its first write. */
  project(id: string): ProjectStore
  /** For the job queue, which keeps its tables in the same database. */
  readonly sql: SqlExecutor
  close(): Promise<void>
}

/**
 * Opens the store and brings it to the newest schema.
 *
 * Without `databaseUrl` the caller must be the only process that opens the data directory: PGlite has no lock.
 * Throws 'unavailable' when the database cannot be opened, 'incompatible' when it is newer than this code.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  await mkdir(options.dataDirectory, { recursive: true })
  const database = await openDatabase(options)
  try {
    await migrate(database.kysely)
    await sweepIncoming(join(options.dataDirectory, BLOBS))
  } catch (error) {
    await database.close()
    throw error
  }
  const statistics = new Statistics(database.kysely)
  const projects = new Map<string, ProjectStore>()
  return {
    engine: database.engine,
    project(id) {
      const known = projects.get(id)
      if (known) return known
      const scope = new ProjectScope(id, database.kysely, ENGINES[database.engine], statistics)
      const project = projectStore(scope, {
        dataDirectory: options.dataDirectory,
        keysDirectory: options.keysDirectory ?? join(options.dataDirectory, 'keys'),
      })
      projects.set(id, project)
      return project
    },
    sql: sqlExecutor(database),
    close: () => database.close(),
  }
}

async function openDatabase({ dataDirectory, databaseUrl }: StoreOptions): Promise<Database> {
  if (databaseUrl !== undefined) return await reach(openPostgres(databaseUrl), databaseUrl)
  const directory = join(dataDirectory, 'database')
  await ensurePgliteDirectory(directory)
  return await openPglite(directory)
}

async function reach(database: Database, databaseUrl: string): Promise<Database> {
  try {
    await database.pool.query('select 1')
    return database
  } catch (cause) {
    await database.close()
    const reason = cause instanceof Error ? cause.message || String(cause) : String(cause)
    throw new RegraftError(
      'unavailable',
      `The database ${withoutPassword(databaseUrl)} does not answer: ${reason}`,
      {
        hint: 'Check DATABASE_URL, and that the server runs.',
        cause,
      },
    )
  }
}

function withoutPassword(databaseUrl: string): string {
  return databaseUrl.replace(/\/\/([^:@/]*):[^@/]*@/, '//$1:…@')
}

function sqlExecutor({ pool }: Database): SqlExecutor {
  return {
    async executeSql(text, values) {
      // The pool drops a connection whose query failed, which ends a transaction that the text left open.
      const result = await pool.query<Record<string, unknown>>(text, values)
      const results = Array.isArray(result) ? (result as (typeof result)[]) : [result]
      return { rows: results.flatMap(({ rows }) => rows) }
    },
  }
}

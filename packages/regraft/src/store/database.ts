import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { ENGINES, type EngineName } from './engines.ts'
import { PgliteThread } from './pglite/thread.ts'
import type { Schema } from './schema.ts'

/**
 * Parsers, by type, that replace the driver's own.
 * `bigint` (so `count(*)` too) is a number: none here passes 2^53. Ids in a `uuid[]` are never quoted nor null, and the
 * driver's parser, which reads arrays of anything, takes 4 µs for each.
 */
const PARSERS = new Map<number, (text: string) => unknown>([
  [20, Number],
  [2951, (text) => (text === '{}' ? [] : text.slice(1, -1).split(','))],
])

const types = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    (format !== 'binary' && PARSERS.get(oid)) ||
    pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
}

/** An open database: one driver and one dialect, whatever answers at the other end. */
export interface Database {
  engine: EngineName
  pool: pg.Pool
  kysely: Kysely<Schema>
  close(): Promise<void>
}

export async function openPglite(directory: string): Promise<Database> {
  const thread = await PgliteThread.open(directory)
  const pool = new pg.Pool({
    stream: () => thread.connect(),
    user: 'postgres',
    database: 'postgres',
    max: ENGINES.pglite.connections,
    idleTimeoutMillis: 0,
    types,
  })
  return assemble('pglite', pool, () => thread.close())
}

export function openPostgres(databaseUrl: string): Database {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: ENGINES.postgres.connections, types })
  return assemble('postgres', pool, async () => {})
}

function assemble(engine: EngineName, pool: pg.Pool, after: () => Promise<void>): Database {
  // An idle connection that the server drops is replaced at the next query; unheard, it would end the process.
  pool.on('error', () => {})
  // So would one that is dropped while a query takes it: the query fails, and is heard.
  pool.on('connect', (client) => client.on('error', () => {}))
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  let closed: Promise<void> | null = null
  return {
    engine,
    pool,
    kysely,
    close: () => {
      closed ??= pool.end().then(after)
      return closed
    },
  }
}

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { ProjectScope } from './scope.ts'
import type { RewritableTable, ServerFile, StoredText, TraceTable } from './types.ts'

const PAGE = 500
const CHUNK_BYTES = 4 * 1024 * 1024
/** The log moves on by one segment per turn; recycled segments that wait for their turn are at most some dozens. */
const MOST_TURNS = 200
/** A file system that is told of many files at once writes them together. */
const SYNCS_AT_ONCE = 32

/** SQL for the key and the text of each row; `seq` orders them. */
const TEXTS: Record<StoredText['table'], { key: string; text: string; seq: string }> = {
  artifacts: { key: 'digest', text: 'bytes', seq: 'stored_seq' },
  executions: {
    key: 'id::text',
    text: "convert_to(parameters::text || ' ' || environment::text, 'UTF8')",
    seq: 'stored_seq',
  },
  jobs: {
    key: 'id::text',
    text: "convert_to(concat_ws(' ', input::text, progress::text, result::text, error::text), 'UTF8')",
    seq: 'stored_seq',
  },
  job_events: { key: "job_id::text || ' ' || seq", text: "convert_to(event::text, 'UTF8')", seq: '0' },
  audit_log: {
    key: 'seq::text',
    text: "convert_to(concat_ws(' ', principal, about, subject, details::text), 'UTF8')",
    seq: 'seq',
  },
  responses: { key: "request_digest || ' ' || sample_index", text: 'bytes', seq: '0' },
}

export class TraceStore implements TraceTable {
  readonly #scope: ProjectScope
  readonly #directory: string

  constructor(scope: ProjectScope, dataDirectory: string) {
    this.#scope = scope
    this.#directory = join(dataDirectory, 'database')
  }

  async *texts(): AsyncIterable<StoredText> {
    const { database, projectId } = this.#scope
    for (const [table, { key, text, seq }] of Object.entries(TEXTS) as [
      StoredText['table'],
      (typeof TEXTS)[StoredText['table']],
    ][]) {
      let after = { seq: -1, key: '' }
      while (true) {
        const { rows } = await sql<{ seq: number; key: string; bytes: Uint8Array }>`
          select * from (
            select ${sql.raw(seq)}::bigint as seq, ${sql.raw(key)} as key, ${sql.raw(text)} as bytes
            from ${sql.table(table)} where project_id = ${projectId}
          ) as found
          where (seq, key) > (${after.seq}, ${after.key}) order by seq, key limit ${PAGE}`.execute(database)
        for (const row of rows) yield { table, key: row.key, bytes: row.bytes }
        const last = rows.at(-1)
        if (!last || rows.length < PAGE) break
        after = last
      }
    }
  }

  async clear({ table, key }: Pick<StoredText, 'table' | 'key'>): Promise<boolean> {
    const { database, projectId } = this.#scope
    const ofProject = sql`project_id = ${projectId} and ${sql.raw(TEXTS[table].key)} = ${key}`
    if (table === 'responses' || table === 'job_events') {
      await sql`delete from ${sql.table(table)} where ${ofProject}`.execute(database)
      return true
    }
    if (table !== 'jobs') return false
    const { numAffectedRows } = await sql`
      update jobs set input = '{}'::json, progress = null, result = null, error = null
      where ${ofProject} and state in ('succeeded', 'failed', 'cancelled')`.execute(database)
    return Number(numAffectedRows ?? 0) > 0
  }

  async flush(): Promise<void> {
    await this.#attempt('checkpoint')
    if (this.#scope.engine.ownsLog) await syncFolder(this.#directory)
  }

  async compact(tables: readonly RewritableTable[]): Promise<string[]> {
    const problems: string[] = []
    const run = async (statement: string, what: string) => {
      const problem = await this.#attempt(statement)
      if (problem !== null) problems.push(`${what}: ${problem}`)
    }
    for (const table of tables) await run(`vacuum full ${table}`, `the table ${table} could not be rewritten`)
    // Statistics quote values of the columns.
    for (const table of tables)
      await run(`analyze ${table}`, `the statistics of ${table} could not be made anew`)
    await run('vacuum full pg_statistic', 'the table of statistics could not be rewritten')
    await run('checkpoint', 'the log could not be cut off')
    if (this.#scope.engine.ownsLog) await this.#cutLog()
    else await run('select pg_switch_wal()', 'the log could not be moved on')
    return problems
  }

  async serverFiles(): Promise<ServerFile[] | { reason: string } | null> {
    if (this.#scope.engine.ownsLog) return null
    const { database } = this.#scope
    try {
      const { rows } = await sql<{ path: string }>`
        select folder || '/' || name as path
        from (
          select 'base/' || oid as folder from pg_database where datname = current_database()
          union all values ('pg_wal'), ('log')
        ) as folders, pg_ls_dir(folder, true, false) as name
        where not (pg_stat_file(folder || '/' || name, true)).isdir
        order by path`.execute(database)
      return rows.map(({ path }) => ({ path, chunks: () => this.#chunks(path) }))
    } catch (error) {
      return { reason: messageOf(error) }
    }
  }

  async *#chunks(path: string): AsyncIterable<Uint8Array> {
    for (let offset = 0; ; offset += CHUNK_BYTES) {
      const { rows } = await sql<{ bytes: Uint8Array | null }>`
        select pg_read_binary_file(${path}, ${offset}, ${CHUNK_BYTES}, true) as bytes`.execute(
        this.#scope.database,
      )
      const bytes = rows[0]?.bytes
      if (!bytes || bytes.length === 0) return
      yield bytes
      if (bytes.length < CHUNK_BYTES) return
    }
  }

  /**
   * Moves the log on until none of its files of now is left. Postgres would keep old ones under new names to write them
   * again, with what they hold until then.
   */
  async #cutLog(): Promise<void> {
    const { database } = this.#scope
    const files = async () => {
      const { rows } = await sql<{ name: string }>`select name from pg_ls_waldir() order by name`.execute(
        database,
      )
      return rows.map(({ name }) => name).filter((name) => /^[0-9A-F]{24}$/.test(name))
    }
    const last = (await files()).at(-1)
    await sql`set wal_recycle = off`.execute(database)
    try {
      for (let turn = 0; turn < MOST_TURNS; turn++) {
        await sql`select pg_switch_wal()`.execute(database)
        await sql`checkpoint`.execute(database)
        const [first] = await files()
        if (last === undefined || first === undefined || first > last) return
      }
    } finally {
      await sql`reset wal_recycle`.execute(database)
    }
  }

  /** Runs a statement outside of any transaction; what the database answered when it refused. */
  async #attempt(statement: string): Promise<string | null> {
    try {
      await sql.raw(statement).execute(this.#scope.database)
      return null
    } catch (error) {
      return messageOf(error)
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function syncFolder(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const sync = async () => {
    for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
      // A file of the database may go at any moment.
      const file = await open(path, 'r').catch(() => null)
      await file?.sync().finally(() => file.close())
    }
  }
  await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, sync))
}

import { type Kysely, sql } from 'kysely'
import type { Schema } from './schema.ts'

/** Fewer new rows do not mislead the planner by much. */
const WRITES_BEFORE_A_LOOK = 1000

type LargeTable = 'inferences' | 'feedback' | 'examples' | 'snapshot_rows'

/**
 * Keeps the planner's statistics of the large tables fresh.
 *
 * PGlite never analyzes, and Postgres only a minute after a bulk insert. Without statistics a page of rows is found by
 * sorting all that follow it: reading 100,000 rows takes five times as long. So the first reading after many writes
 * analyzes (0.3 s for 100,000 rows); the writes themselves do not need it.
 */
export class Statistics {
  readonly #database: Kysely<Schema>
  /** Rows written since the last look; a table that is not there has been written to by who knows whom. */
  readonly #written = new Map<LargeTable, number>()

  constructor(database: Kysely<Schema>) {
    this.#database = database
  }

  noteWrites(table: LargeTable, rows: number): void {
    const known = this.#written.get(table)
    if (known !== undefined) this.#written.set(table, known + rows)
  }

  /** Call before reading many rows: analyzes the table when it has grown by more than a tenth since the last time. */
  async refresh(table: LargeTable): Promise<void> {
    if ((this.#written.get(table) ?? WRITES_BEFORE_A_LOOK) < WRITES_BEFORE_A_LOOK) return
    this.#written.set(table, 0)
    // `relpages` is the size at the last analysis; 16 pages are what a few hundred rows take.
    const { rows } = await sql<{ outgrown: boolean }>`
      select pg_relation_size(oid) / current_setting('block_size')::bigint > 1.1 * relpages + 16 as outgrown
      from pg_class where oid = ${table}::regclass`.execute(this.#database)
    if (rows[0]?.outgrown) await sql`analyze ${sql.table(table)}`.execute(this.#database)
  }
}

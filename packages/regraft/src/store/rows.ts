import { type Expression, type SqlBool, sql } from 'kysely'
import { RegraftError } from '../errors/index.ts'
import { canonicalText, indexOf } from './canonical.ts'
import { digestOf } from './digest.ts'
import type { ProjectScope } from './scope.ts'
import type { InsertReport, Keyring, NewRow, Row, RowLink, RowQuery, RowTable, SealedRow } from './types.ts'
import { isUuid } from './uuid.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Bounds the one JSON parameter of a batch: `jsonb` takes 256 MB, and the server holds several copies. */
const BATCH_CHARACTERS = 4_000_000
const DIGEST_PREFIX = 'sha256:'
const DIGEST_HEX = 64
/** Rows without payloads are small: pages of 500 take twice the time of these, and larger ones save nothing. */
const LINKS_PER_PAGE = 2000

type RowTableName = 'inferences' | 'feedback' | 'examples'

interface RowKind {
  table: RowTableName
  /** Goes into the digest of every row. */
  kind: string
  schemaVersion: number
  /** Whether rows belong to an inference. */
  ofInference: boolean
}

export const ROW_KINDS = {
  inferences: { table: 'inferences', kind: 'inference', schemaVersion: 1, ofInference: false },
  feedback: { table: 'feedback', kind: 'feedback', schemaVersion: 1, ofInference: true },
  examples: { table: 'examples', kind: 'example', schemaVersion: 1, ofInference: false },
} as const satisfies Record<RowTableName, RowKind>

/** A row as it travels to the database, inside one JSON parameter. */
interface Encoded {
  id: string
  digest: string
  /** Canonical JSON, or base64 of the sealed bytes for a row of a subject. */
  payload: string
  subject: string | null
  occurred_at: string
  derived_from: string[]
  source_key: string | null
  inference_id?: string
}

interface StoredColumns {
  id: string
  digest: string
  schema_version: number
  payload: Uint8Array
  subject: string | null
  occurred_at: Date
  derived_from: string[]
  inference_id?: string
}

type AnyNewRow = NewRow<unknown> & { inferenceId?: string }

/** The rows of one kind. `Stored` and `New` follow from the kind; project.ts pairs them. */
export class RowStore<Stored extends Row<unknown>, New extends AnyNewRow> implements RowTable<Stored, New> {
  readonly #scope: ProjectScope
  readonly #kind: RowKind
  readonly #keys: Keyring

  constructor(scope: ProjectScope, kind: RowKind, keys: Keyring) {
    this.#scope = scope
    this.#kind = kind
    this.#keys = keys
  }

  async seal(row: New): Promise<New | SealedRow<New>> {
    const { payload, ...rest } = row
    const { subject } = row
    if (subject == null) return row
    const bytes = Buffer.from(canonicalText(payload))
    const sealed = await this.#keys.seal(`subject/${subject}`, bytes)
    const digest = await this.#keys.digest(`subject/${subject}`, this.#digested(bytes))
    return { ...rest, subject, digest, sealed: Buffer.from(sealed).toString('base64') }
  }

  async insert(rows: (New | SealedRow<New>)[]): Promise<InsertReport> {
    const report: InsertReport = { inserted: 0, duplicates: 0, rejected: [] }
    await this.#scope.writer()
    let batch: Encoded[] = []
    let characters = 0
    // While the database takes one batch, the next is encoded.
    let storing = Promise.resolve()
    for (const row of rows) {
      try {
        const encoded = this.#encode('sealed' in row ? row : await this.seal(row))
        batch.push(encoded)
        characters += encoded.payload.length
      } catch (error) {
        report.rejected.push({ id: row.id, reason: reasonOf(error) })
      }
      if (batch.length === this.#scope.engine.insertBatch || characters > BATCH_CHARACTERS) {
        await storing
        storing = this.#store(batch, report)
        batch = []
        characters = 0
      }
    }
    await storing
    await this.#store(batch, report)
    this.#scope.statistics.noteWrites(this.#kind.table, report.inserted)
    return report
  }

  async *select(query: RowQuery = {}): AsyncIterable<Stored> {
    await this.#scope.statistics.refresh(this.#kind.table)
    let after: { occurred_at: Date; id: string } | null = null
    while (true) {
      let page = this.#scope.database
        .selectFrom(this.#kind.table)
        .select(['id', 'digest', 'schema_version', 'payload', 'subject', 'occurred_at', 'derived_from'])
        .$if(this.#kind.ofInference, (select) => select.select(sql<string>`inference_id`.as('inference_id')))
        .where(this.#matching(query))
        .orderBy('occurred_at')
        .orderBy('id')
        .limit(this.#scope.engine.selectPage)
      if (after)
        page = page.where(sql<SqlBool>`(occurred_at, id) > (${after.occurred_at}, ${after.id}::uuid)`)
      const found: StoredColumns[] = await page.execute()
      for (const columns of found) {
        const row = await this.#decode(columns)
        if (row) yield row
      }
      const last = found.at(-1)
      if (!last || found.length < this.#scope.engine.selectPage) return
      after = last
    }
  }

  async *links(query: RowQuery = {}): AsyncIterable<RowLink> {
    await this.#scope.statistics.refresh(this.#kind.table)
    let after = 0
    while (true) {
      const page = await this.#scope.database
        .selectFrom(this.#kind.table)
        .select(['id', 'digest', 'derived_from', 'stored_seq'])
        .where(this.#matching(query))
        .where('stored_seq', '>', after)
        .orderBy('stored_seq')
        .limit(LINKS_PER_PAGE)
        .execute()
      for (const { id, digest, derived_from, stored_seq } of page) {
        after = stored_seq
        yield { id, digest, derivedFrom: derived_from }
      }
      if (page.length < LINKS_PER_PAGE) return
    }
  }

  async *digests(query: RowQuery = {}): AsyncIterable<string> {
    await this.#scope.statistics.refresh(this.#kind.table)
    let after = 0
    while (true) {
      const page = this.#scope.database
        .selectFrom(this.#kind.table)
        .select(['digest', 'stored_seq'])
        .where(this.#matching(query))
        .where('stored_seq', '>', after)
        .orderBy('stored_seq')
        .limit(LINKS_PER_PAGE)
      // One text per page: 100,000 digests take 0.2 s so, and 0.7 s as rows of their own.
      const { hex, last, count } = await this.#scope.database
        .selectFrom(page.as('page'))
        .select([
          sql<
            string | null
          >`string_agg(substr(digest, ${DIGEST_PREFIX.length + 1}), '' order by stored_seq)`.as('hex'),
          sql<number>`max(stored_seq)`.as('last'),
          sql<number>`count(*)`.as('count'),
        ])
        .executeTakeFirstOrThrow()
      for (let at = 0; hex !== null && at < hex.length; at += DIGEST_HEX) {
        yield DIGEST_PREFIX + hex.slice(at, at + DIGEST_HEX)
      }
      if (count < LINKS_PER_PAGE) return
      after = last
    }
  }

  async count(query: RowQuery = {}): Promise<number> {
    const { count } = await this.#scope.database
      .selectFrom(this.#kind.table)
      .select(sql<number>`count(*)`.as('count'))
      .where(this.#matching(query))
      .executeTakeFirstOrThrow()
    return count
  }

  async remove(ids: string[], options: { force?: boolean } = {}): Promise<number> {
    const unpinned = sql<SqlBool>`not exists (
      select 1 from snapshot_rows as pin
      where pin.project_id = ${sql.ref(`${this.#kind.table}.project_id`)}
        and pin.row_id = ${sql.ref(`${this.#kind.table}.id`)})`
    const { numDeletedRows } = await this.#scope.database
      .deleteFrom(this.#kind.table)
      .where(this.#matching({ ids }))
      .$if(!options.force, (remove) => remove.where(unpinned))
      .executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }

  /**
   * The highest number that a stored row of the project has, as text.
   *
   * Numbers are handed out at insertion but become visible at commit, in another order. The lock waits for the
   * insertions in flight and keeps new ones out for the length of one SELECT: no lower number can appear later.
   */
  async watermark(): Promise<string> {
    const table = this.#kind.table
    return await this.#scope.database.transaction().execute(async (transaction) => {
      await sql`lock table ${sql.table(table)} in share mode`.execute(transaction)
      const { highest } = await transaction
        .selectFrom(table)
        .select(sql<number | null>`max(stored_seq)`.as('highest'))
        .where('project_id', '=', this.#scope.projectId)
        .executeTakeFirstOrThrow()
      return String(highest ?? 0)
    })
  }

  #matching(query: RowQuery): Expression<SqlBool> {
    const conditions = [sql<SqlBool>`project_id = ${this.#scope.projectId}`]
    // What is no UUID names no row; Postgres would refuse the whole list.
    if (query.ids) conditions.push(sql<SqlBool>`id = any(${query.ids.filter(isUuid)}::uuid[])`)
    if (query.inferenceIds) {
      if (!this.#kind.ofInference) {
        throw new RegraftError('internal', `${this.#kind.table} are not selected by inference`)
      }
      const ids = query.inferenceIds.filter(isUuid)
      conditions.push(sql<SqlBool>`inference_id = any(${ids}::uuid[])`)
    }
    if (query.derivedFrom) {
      const ids = query.derivedFrom.filter(isUuid)
      // The first condition is that of the partial index.
      conditions.push(sql<SqlBool>`derived_from <> '{}' and derived_from && ${ids}::uuid[]`)
    }
    if (query.subject !== undefined) conditions.push(sql<SqlBool>`subject = ${query.subject}`)
    if (query.from) conditions.push(sql<SqlBool>`occurred_at >= ${query.from}`)
    if (query.until) conditions.push(sql<SqlBool>`occurred_at < ${query.until}`)
    if (query.watermark !== undefined) {
      conditions.push(sql<SqlBool>`stored_seq <= ${watermarkNumber(query.watermark)}`)
    }
    return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
  }

  #encode(row: New | SealedRow<New>): Encoded {
    const { kind, schemaVersion, ofInference } = this.#kind
    if (Number.isNaN(row.occurredAt.getTime())) {
      throw new RegraftError('invalid-input', 'occurredAt is not a date')
    }
    const common = {
      id: row.id,
      subject: row.subject ?? null,
      occurred_at: row.occurredAt.toISOString(),
      derived_from: row.derivedFrom ?? [],
      source_key: row.sourceKey ?? null,
      ...(ofInference ? { inference_id: (row as { inferenceId?: string }).inferenceId } : {}),
    }
    if ('sealed' in row) return { ...common, digest: row.digest, payload: row.sealed }
    const payload = canonicalText(row.payload)
    return { ...common, payload, digest: digestOf(kind, schemaVersion, Buffer.from(payload)) }
  }

  /** What a keyed digest runs over: as `digestOf`, so that rows of different kinds never share one. */
  #digested(bytes: Uint8Array): Uint8Array {
    const { kind, schemaVersion } = this.#kind
    return Buffer.concat([Buffer.from(`${kind}\0${schemaVersion}\0`), bytes])
  }

  async #store(batch: Encoded[], report: InsertReport): Promise<void> {
    if (batch.length === 0) return
    try {
      const inserted = await this.#insertBatch(batch)
      report.inserted += inserted
      report.duplicates += batch.length - inserted
    } catch (error) {
      if (!isRefusal(error)) throw error
      const only = batch.length === 1 ? batch[0] : undefined
      if (only) {
        report.rejected.push({ id: only.id, reason: reasonOf(error) })
        return
      }
      const middle = batch.length >> 1
      await this.#store(batch.slice(0, middle), report)
      await this.#store(batch.slice(middle), report)
    }
  }

  async #insertBatch(batch: Encoded[]): Promise<number> {
    const { table, schemaVersion, ofInference } = this.#kind
    const owner = ofInference ? sql`, inference_id` : sql``
    const ownerType = ofInference ? sql`, inference_id uuid` : sql``
    const { numAffectedRows } = await sql`
      insert into ${sql.table(table)} (
        project_id, id, digest, schema_version, payload, payload_index, occurred_at, derived_from, source_key,
        subject${owner}
      )
      select ${this.#scope.projectId}, id, digest, ${schemaVersion}::integer,
        case when subject is null then convert_to(payload, 'UTF8') else decode(payload, 'base64') end,
        case when subject is null then ${indexOf(sql<string>`payload`)} else '{}'::jsonb end,
        occurred_at, derived_from, source_key, subject${owner}
      from jsonb_to_recordset(${JSON.stringify(batch)}::jsonb) as incoming (
        id uuid, digest text, payload text, occurred_at timestamptz, derived_from uuid[],
        source_key text, subject text${ownerType}
      )
      on conflict do nothing`.execute(this.#scope.database)
    return Number(numAffectedRows ?? 0)
  }

  /** Null for a row whose subject has been erased. */
  async #decode(columns: StoredColumns): Promise<Stored | null> {
    const { kind } = this.#kind
    const { subject } = columns
    const payload =
      subject === null ? columns.payload : await this.#keys.open(`subject/${subject}`, columns.payload)
    if (payload === null) return null
    const actual =
      subject === null
        ? digestOf(kind, columns.schema_version, payload)
        : await this.#keys.digest(`subject/${subject}`, this.#digested(payload))
    if (actual !== columns.digest) {
      throw new RegraftError(
        'digest-mismatch',
        `The bytes of ${kind} ${columns.id} are not those of its digest`,
        {
          hint: 'The database was changed from outside: restore it from a backup.',
          details: { expected: columns.digest, actual },
        },
      )
    }
    const row: Row<unknown> & { inferenceId?: string } = {
      id: columns.id,
      digest: columns.digest,
      payload: JSON.parse(utf8.decode(payload)),
      occurredAt: columns.occurred_at,
      derivedFrom: columns.derived_from,
      subject,
    }
    if (columns.inference_id !== undefined) row.inferenceId = columns.inference_id
    return row as Stored
  }
}

function watermarkNumber(watermark: string): number {
  const number = Number(watermark)
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new RegraftError('invalid-input', `'${watermark}' is not a watermark`)
  }
  return number
}

/** Whether the database refused the data itself (SQLSTATE class 22: data exception, 23: constraint, 54: too large). */
function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^(22|23|54)/.test(code)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

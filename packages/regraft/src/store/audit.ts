import { type Kysely, sql, type Transaction } from 'kysely'
import { RegraftError } from '../errors/index.ts'
import { canonicalBytes } from './canonical.ts'
import { digestOf } from './digest.ts'
import type { Schema } from './schema.ts'
import type { ProjectScope } from './scope.ts'
import type { AliasMove, AuditEntry, AuditTable, Keyring, NewAuditEntry } from './types.ts'

const PAGE = 500

/** The hash of an entry: over all of it but key and signature, and so over the hash before it. */
export function hashOfEntry(
  projectId: string,
  entry: Omit<AuditEntry, 'hash' | 'publicKey' | 'signature'>,
): string {
  const { seq, at, principal, action, about, subject, details, previous } = entry
  const value = {
    ...{
      project: projectId,
      seq,
      at: at.toISOString(),
      principal,
      action,
      about,
      subject,
      details,
      previous,
    },
  }
  return digestOf('audit-entry', 1, canonicalBytes(value))
}

export class AuditStore implements AuditTable {
  readonly #scope: ProjectScope
  readonly #keys: Keyring

  constructor(scope: ProjectScope, keys: Keyring) {
    this.#scope = scope
    this.#keys = keys
  }

  async append(entries: readonly NewAuditEntry[], moves: readonly AliasMove[] = []): Promise<AuditEntry[]> {
    const database = await this.#scope.writer()
    return await database.transaction().execute(async (transaction) => {
      const last = await this.#last(transaction)
      for (const move of moves) await this.#move(transaction, move)
      const appended: AuditEntry[] = []
      for (const entry of entries) {
        const previous = appended.at(-1) ?? last
        const signed = await this.#sign({
          ...entry,
          seq: previous.seq + 1,
          at: last.now,
          previous: previous.hash,
        })
        await this.#insert(transaction, signed)
        appended.push(signed)
      }
      return appended
    })
  }

  async list({ about, newest }: { about?: string; newest?: number } = {}): Promise<AuditEntry[]> {
    const found = await this.#entries()
      .$if(about !== undefined, (select) => select.where('about', '=', about!))
      .orderBy('seq', 'desc')
      .$if(newest !== undefined, (select) => select.limit(newest!))
      .execute()
    return found.map(decode).reverse()
  }

  async *entries(): AsyncIterable<AuditEntry> {
    for (let after = 0; ; ) {
      const page = await this.#entries().where('seq', '>', after).orderBy('seq').limit(PAGE).execute()
      yield* page.map(decode)
      const last = page.at(-1)
      if (!last || page.length < PAGE) return
      after = last.seq
    }
  }

  async lastSeen(): Promise<Map<string, Date>> {
    const found = await this.#scope.database
      .selectFrom('audit_log')
      .select(['principal', (build) => build.fn.max('at').as('at')])
      .where('project_id', '=', this.#scope.projectId)
      .groupBy('principal')
      .execute()
    return new Map(found.map(({ principal, at }) => [principal, at]))
  }

  /** Others who append wait here until this transaction has ended: the project's own row is locked. */
  async #last(transaction: Transaction<Schema>): Promise<{ seq: number; hash: string | null; now: Date }> {
    const { projectId } = this.#scope
    await transaction
      .selectFrom('projects')
      .select('project_id')
      .where('project_id', '=', projectId)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow()
    const last = await transaction
      .selectFrom('audit_log')
      .select(['seq', 'hash'])
      .where('project_id', '=', projectId)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(transaction)
    return { seq: last?.seq ?? 0, hash: last?.hash ?? null, now: rows[0]!.now }
  }

  async #sign(entry: Omit<AuditEntry, 'hash' | 'publicKey' | 'signature'>): Promise<AuditEntry> {
    const hash = hashOfEntry(this.#scope.projectId, entry)
    return { ...entry, hash, ...(await this.#keys.sign(Buffer.from(hash))) }
  }

  async #insert(transaction: Transaction<Schema>, entry: AuditEntry): Promise<void> {
    const { publicKey, details, ...columns } = entry
    const values = { ...columns, details: JSON.stringify(details), public_key: publicKey }
    await transaction
      .insertInto('audit_log')
      .values({ project_id: this.#scope.projectId, ...values })
      .execute()
  }

  async #move(transaction: Transaction<Schema>, { name, digest, expected }: AliasMove): Promise<void> {
    const { projectId } = this.#scope
    const standing = await transaction
      .selectFrom('aliases')
      .select('digest')
      .where('project_id', '=', projectId)
      .where('name', '=', name)
      .forUpdate()
      .executeTakeFirst()
    if ((standing?.digest ?? null) !== expected) {
      throw new RegraftError('conflict', `${name} was moved by somebody else in this moment`, {
        hint: 'look at where it stands now (regraft fleet list), then run the command again',
      })
    }
    await transaction
      .insertInto('aliases')
      .values({ project_id: projectId, name, digest })
      .onConflict((conflict) =>
        conflict.columns(['project_id', 'name']).doUpdateSet({ digest, updated_at: sql`now()` }),
      )
      .execute()
  }

  #entries() {
    return entriesOf(this.#scope.database).where('project_id', '=', this.#scope.projectId)
  }
}

function entriesOf(database: Kysely<Schema>) {
  return database
    .selectFrom('audit_log')
    .select(['seq', 'at', 'principal', 'action', 'about', 'subject', 'details', 'previous', 'hash'])
    .select(['public_key as publicKey', 'signature'])
}

function decode(row: Awaited<ReturnType<ReturnType<typeof entriesOf>['execute']>>[number]): AuditEntry {
  return { ...row, details: row.details as Record<string, unknown> }
}

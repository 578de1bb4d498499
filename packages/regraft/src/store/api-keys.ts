import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Selectable, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { RegraftError } from '../errors/index.ts'
import type { Schema } from './schema.ts'
import type { ProjectScope } from './scope.ts'
import type { ApiKey, ApiKeyTable } from './types.ts'
import { isUuid } from './uuid.ts'

/** So long a key that was found is good without asking again, in milliseconds: a revocation elsewhere is as late here. */
const GOOD_FOR = 30_000
/** A key is asked for again in the background before that, so that nobody waits. */
const ASKED_AGAIN_AFTER = 10_000
/** Whether a key is still good is waited for this long; then, or when the database fails, what was known holds. */
const PATIENCE = 250
/** But no longer than this: a database that is out of reach must not make keys good for ever. */
const GOOD_UNASKED = 3_600_000

interface Verified {
  record: ApiKey
  at: number
}

/** The keys of a project. Every request verifies one, so those that were found are remembered. */
export class ApiKeyStore implements ApiKeyTable {
  readonly #scope: ProjectScope
  readonly #now: () => number
  readonly #verified = new Map<string, Verified>()
  readonly #asking = new Map<string, Promise<ApiKey | null>>()

  /** The clock gives milliseconds. */
  constructor(scope: ProjectScope, now: () => number = Date.now) {
    this.#scope = scope
    this.#now = now
  }

  async create(name: string, scopes: string[]): Promise<{ key: string; record: ApiKey }> {
    // 256 random bits need no slow hash: there is nothing to guess.
    const key = `rg_${randomBytes(32).toString('base64url')}`
    const database = await this.#scope.writer()
    const created = await database
      .insertInto('api_keys')
      .values({
        project_id: this.#scope.projectId,
        id: uuidv7(),
        name,
        key_sha256: sha256(key),
        scopes,
        revoked_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return { key, record: decode(created) }
  }

  async verify(key: string): Promise<ApiKey | null> {
    const hash = sha256(key)
    const known = this.#verified.get(hash.toString('hex'))
    const age = known ? this.#now() - known.at : Number.POSITIVE_INFINITY
    if (!known || age > GOOD_UNASKED) return this.#ask(hash)
    if (age < ASKED_AGAIN_AFTER) return known.record
    const asked = this.#ask(hash).catch(() => known.record)
    if (age < GOOD_FOR) return known.record
    const patience = new AbortController()
    const waited = sleep(PATIENCE, known.record, { signal: patience.signal }).catch(() => known.record)
    return Promise.race([asked, waited]).finally(() => patience.abort())
  }

  async list(): Promise<ApiKey[]> {
    return (await this.#keys().orderBy('id').execute()).map(decode)
  }

  async revoke(id: string): Promise<void> {
    const revoked = isUuid(id) ? await this.#revoke(id) : 0n
    this.#verified.clear()
    // What was asked before is not remembered.
    this.#asking.clear()
    if (revoked === 0n) {
      throw new RegraftError('not-found', `There is no API key ${id}`, {
        hint: 'List the keys to see their ids.',
      })
    }
  }

  async #revoke(id: string): Promise<bigint> {
    const { numUpdatedRows } = await this.#scope.database
      .updateTable('api_keys')
      .set({ revoked_at: sql`coalesce(revoked_at, now())` })
      .where('project_id', '=', this.#scope.projectId)
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return numUpdatedRows
  }

  #ask(hash: Buffer): Promise<ApiKey | null> {
    const name = hash.toString('hex')
    const under = this.#asking.get(name)
    if (under) return under
    const asking = this.#find(hash)
      .then((record) => {
        if (this.#asking.get(name) !== asking) return record
        if (record) this.#verified.set(name, { record, at: this.#now() })
        else this.#verified.delete(name)
        return record
      })
      .finally(() => {
        if (this.#asking.get(name) === asking) this.#asking.delete(name)
      })
    this.#asking.set(name, asking)
    return asking
  }

  async #find(hash: Buffer): Promise<ApiKey | null> {
    const found = await this.#keys()
      .where('key_sha256', '=', hash)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    return found ? decode(found) : null
  }

  #keys() {
    return this.#scope.database
      .selectFrom('api_keys')
      .selectAll()
      .where('project_id', '=', this.#scope.projectId)
  }
}

function sha256(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function decode(columns: Selectable<Schema['api_keys']>): ApiKey {
  return {
    id: columns.id,
    name: columns.name,
    scopes: columns.scopes,
    createdAt: columns.created_at,
    revokedAt: columns.revoked_at,
  }
}

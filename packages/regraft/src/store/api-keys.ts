import { createHash, randomBytes } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { RegraftError } from '../errors/index.ts'
import type { Schema } from './schema.ts'
import type { ProjectScope } from './scope.ts'
import type { ApiKey, ApiKeyTable } from './types.ts'
import { isUuid } from './uuid.ts'

export class ApiKeyStore implements ApiKeyTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
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
    const found = await this.#keys()
      .where('key_sha256', '=', sha256(key))
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    return found ? decode(found) : null
  }

  async list(): Promise<ApiKey[]> {
    return (await this.#keys().orderBy('id').execute()).map(decode)
  }

  async revoke(id: string): Promise<void> {
    const revoked = isUuid(id) ? await this.#revoke(id) : 0n
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

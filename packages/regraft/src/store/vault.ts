import { v7 as uuidv7 } from 'uuid'
import type { ProjectScope } from './scope.ts'
import type { VaultQuery, VaultTable } from './types.ts'

export class VaultStore implements VaultTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async log(query: Omit<VaultQuery, 'id' | 'at'>): Promise<VaultQuery> {
    const database = await this.#scope.writer()
    const { details, ...columns } = query
    const id = uuidv7()
    const { at } = await database
      .insertInto('vault_queries')
      .values({ project_id: this.#scope.projectId, id, ...columns, details: JSON.stringify(details) })
      .returning('at')
      .executeTakeFirstOrThrow()
    return { ...query, id, at }
  }

  async queries(suite: string): Promise<VaultQuery[]> {
    const rows = await this.#scope.database
      .selectFrom('vault_queries')
      .select(['id', 'suite', 'purpose', 'principal', 'rows', 'hits', 'details', 'at'])
      .where('project_id', '=', this.#scope.projectId)
      .where('suite', '=', suite)
      .orderBy('stored_seq')
      .execute()
    return rows.map((row) => ({
      ...row,
      purpose: row.purpose as VaultQuery['purpose'],
      details: row.details as Record<string, unknown>,
    }))
  }

  async burn({ suite, items, principal, reason }: Parameters<VaultTable['burn']>[0]): Promise<number> {
    if (items.length === 0) return 0
    const database = await this.#scope.writer()
    const { numInsertedOrUpdatedRows } = await database
      .insertInto('vault_burns')
      .values(items.map((item) => ({ project_id: this.#scope.projectId, suite, item, principal, reason })))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    return Number(numInsertedOrUpdatedRows ?? 0)
  }

  async burns(suite: string) {
    return await this.#scope.database
      .selectFrom('vault_burns')
      .select(['item', 'principal', 'reason', 'at'])
      .where('project_id', '=', this.#scope.projectId)
      .where('suite', '=', suite)
      .orderBy('at')
      .orderBy('item')
      .execute()
  }
}

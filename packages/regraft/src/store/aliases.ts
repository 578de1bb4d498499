import { sql } from 'kysely'
import { RegraftError } from '../errors/index.ts'
import type { ProjectScope } from './scope.ts'
import type { AliasTable } from './types.ts'

// Not six hex digits or more, so that an alias never hides a digest.
const LOOKS_LIKE_DIGEST = /^(sha256:.*|[0-9a-f]{6,64})$/

export class AliasStore implements AliasTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async set(name: string, digest: string): Promise<void> {
    if (name === '' || LOOKS_LIKE_DIGEST.test(name)) {
      throw new RegraftError('invalid-input', `'${name}' cannot be an alias: it reads as a digest`, {
        hint: 'Choose a name with a letter beyond f, or a dash.',
      })
    }
    const database = await this.#scope.writer()
    await database
      .insertInto('aliases')
      .values({ project_id: this.#scope.projectId, name, digest })
      .onConflict((conflict) =>
        conflict.columns(['project_id', 'name']).doUpdateSet({ digest, updated_at: sql`now()` }),
      )
      .execute()
  }

  async get(name: string): Promise<string | null> {
    const found = await this.#aliases().where('name', '=', name).executeTakeFirst()
    return found?.digest ?? null
  }

  async list(prefix = ''): Promise<{ name: string; digest: string; updatedAt: Date }[]> {
    return await this.#aliases().where(sql<boolean>`starts_with(name, ${prefix})`).orderBy('name').execute()
  }

  async remove(name: string): Promise<void> {
    await this.#scope.database
      .deleteFrom('aliases')
      .where('project_id', '=', this.#scope.projectId)
      .where('name', '=', name)
      .execute()
  }

  #aliases() {
    return this.#scope.database
      .selectFrom('aliases')
      .select(['name', 'digest', 'updated_at as updatedAt'])
      .where('project_id', '=', this.#scope.projectId)
  }
}

import type { ProjectScope } from './scope.ts'
import type { FileLocation, LocationTable } from './types.ts'

export class LocationStore implements LocationTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async set(location: FileLocation): Promise<void> {
    const { digest, path, size, modifiedAt } = location
    const database = await this.#scope.writer()
    await database
      .insertInto('locations')
      .values({ project_id: this.#scope.projectId, digest, path, size, modified_at: modifiedAt })
      .onConflict((conflict) =>
        conflict.columns(['project_id', 'digest', 'path']).doUpdateSet({ size, modified_at: modifiedAt }),
      )
      .execute()
  }

  async find(digest: string): Promise<FileLocation[]> {
    return await this.#scope.database
      .selectFrom('locations')
      .select(['digest', 'path', 'size', 'modified_at as modifiedAt'])
      .where('project_id', '=', this.#scope.projectId)
      .where('digest', '=', digest)
      .orderBy('path')
      .execute()
  }

  async remove(digest: string, path: string): Promise<void> {
    await this.#scope.database
      .deleteFrom('locations')
      .where('project_id', '=', this.#scope.projectId)
      .where('digest', '=', digest)
      .where('path', '=', path)
      .execute()
  }
}

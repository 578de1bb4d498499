import type { ProjectScope } from './scope.ts'
import type { ResponseTable } from './types.ts'

export class ResponseStore implements ResponseTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async get(requestDigest: string, sampleIndex: number): Promise<Uint8Array | null> {
    const found = await this.#scope.database
      .selectFrom('responses')
      .select('bytes')
      .where('project_id', '=', this.#scope.projectId)
      .where('request_digest', '=', requestDigest)
      .where('sample_index', '=', sampleIndex)
      .executeTakeFirst()
    return found ? Uint8Array.from(found.bytes) : null
  }

  async put(requestDigest: string, sampleIndex: number, bytes: Uint8Array): Promise<Uint8Array> {
    const database = await this.#scope.writer()
    await database
      .insertInto('responses')
      .values({
        project_id: this.#scope.projectId,
        request_digest: requestDigest,
        sample_index: sampleIndex,
        bytes: Buffer.from(bytes),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return (await this.get(requestDigest, sampleIndex)) ?? bytes
  }
}

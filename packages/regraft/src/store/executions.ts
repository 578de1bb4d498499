import { type Expression, type RawBuilder, sql } from 'kysely'
import { canonicalText } from './canonical.ts'
import type { ProjectScope } from './scope.ts'
import type { Edge, Execution, ExecutionTable } from './types.ts'
import { isUuid } from './uuid.ts'

export class ExecutionStore implements ExecutionTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async record(execution: Execution): Promise<void> {
    const project_id = this.#scope.projectId
    const database = await this.#scope.writer()
    await database.transaction().execute(async (transaction) => {
      const { stored_seq } = await transaction
        .insertInto('executions')
        .values({
          project_id,
          id: execution.id,
          step: execution.step,
          version: execution.version,
          determinism: execution.determinism,
          step_key: execution.stepKey,
          parameters: canonicalText(execution.parameters ?? null),
          seed: execution.seed ?? null,
          environment: canonicalText(execution.environment),
          started_at: execution.startedAt,
          finished_at: execution.finishedAt,
        })
        .returning('stored_seq')
        .executeTakeFirstOrThrow()
      const edges = [...numbered('input', execution.inputs), ...numbered('output', execution.outputs)]
      await sql`
        insert into execution_edges (project_id, execution_id, execution_seq, direction, position, role, digest)
        select ${project_id}, ${execution.id}::uuid, ${stored_seq}::bigint, direction, position, role, digest
        from jsonb_to_recordset(${JSON.stringify(edges)}::jsonb) as edge (
          direction text, position integer, role text, digest text
        )`.execute(transaction)
    })
  }

  async get(id: string): Promise<Execution | null> {
    if (!isUuid(id)) return null
    const [found] = await this.#read([id])
    return found ?? null
  }

  async findByStepKey(stepKey: string): Promise<Execution | null> {
    const newest = await this.#scope.database
      .selectFrom('executions')
      .select('id')
      .where('project_id', '=', this.#scope.projectId)
      .where('step_key', '=', stepKey)
      .orderBy('stored_seq', 'desc')
      .executeTakeFirst()
    return newest ? await this.get(newest.id) : null
  }

  async makerOf(digest: string): Promise<Execution | null> {
    const { projectId, database } = this.#scope
    const { rows } = await sql<{ id: string | null }>`
      select ${makerOf(projectId, sql<string>`${digest}::text`)} as id`.execute(database)
    const id = rows[0]?.id ?? null
    return id === null ? null : await this.get(id)
  }

  async producing(digest: string): Promise<Execution[]> {
    return await this.#touching(digest, 'output')
  }

  async consuming(digest: string): Promise<Execution[]> {
    return await this.#touching(digest, 'input')
  }

  async #touching(digest: string, direction: 'input' | 'output'): Promise<Execution[]> {
    const edges = await this.#scope.database
      .selectFrom('execution_edges')
      .select('execution_id')
      .distinct()
      .where('project_id', '=', this.#scope.projectId)
      .where('digest', '=', digest)
      .where('direction', '=', direction)
      .execute()
    return await this.#read(edges.map(({ execution_id }) => execution_id))
  }

  /** In the order in which they were recorded. */
  async #read(ids: string[]): Promise<Execution[]> {
    if (ids.length === 0) return []
    const found = await this.#scope.database
      .selectFrom('executions')
      .selectAll()
      .where('project_id', '=', this.#scope.projectId)
      .where(sql<boolean>`id = any(${ids}::uuid[])`)
      .orderBy('stored_seq')
      .execute()
    const edges = await this.#scope.database
      .selectFrom('execution_edges')
      .selectAll()
      .where('project_id', '=', this.#scope.projectId)
      .where(sql<boolean>`execution_id = any(${ids}::uuid[])`)
      .orderBy('position')
      .execute()
    const edgesOf = (id: string, direction: string): Edge[] =>
      edges
        .filter((edge) => edge.execution_id === id && edge.direction === direction)
        .map(({ role, digest }) => ({ role, digest }))
    return found.map((columns) => ({
      id: columns.id,
      step: columns.step,
      version: columns.version,
      determinism: columns.determinism,
      stepKey: columns.step_key,
      parameters: columns.parameters,
      seed: columns.seed,
      inputs: edgesOf(columns.id, 'input'),
      outputs: edgesOf(columns.id, 'output'),
      environment: columns.environment as Record<string, unknown>,
      startedAt: columns.started_at,
      finishedAt: columns.finished_at,
    }))
  }
}

function numbered(direction: 'input' | 'output', edges: Edge[]) {
  return edges.map(({ role, digest }, position) => ({ direction, position, role, digest }))
}

/**
 * SQL for the id of the execution that made an artifact first, or null when it came from outside.
 * What was read before anything made it came from outside, even if a later step gave the same bytes: that keeps the
 * walk over makers free of cycles.
 */
export function makerOf(projectId: string, digest: Expression<unknown>): RawBuilder<string | null> {
  return sql<string | null>`(
    select made.execution_id
    from execution_edges as made
    where made.project_id = ${projectId} and made.digest = ${digest} and made.direction = 'output'
      and not exists (
        select 1 from execution_edges as used
        where used.project_id = made.project_id and used.digest = made.digest and used.direction = 'input'
          and used.execution_seq <= made.execution_seq
      )
    order by made.execution_seq
    limit 1
  )`
}

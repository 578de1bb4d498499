import { sql } from 'kysely'
import { canonicalText } from './canonical.ts'
import type { ProjectScope } from './scope.ts'
import type { Edge, Execution, ExecutionTable } from './types.ts'

export class ExecutionStore implements ExecutionTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async record(execution: Execution): Promise<void> {
    const project_id = this.#scope.projectId
    const database = await this.#scope.writer()
    await database.transaction().execute(async (transaction) => {
      await transaction
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
        .execute()
      const edges = [...numbered('input', execution.inputs), ...numbered('output', execution.outputs)]
      await sql`
        insert into execution_edges (project_id, execution_id, direction, position, role, digest)
        select ${project_id}, ${execution.id}::uuid, direction, position, role, digest
        from jsonb_to_recordset(${JSON.stringify(edges)}::jsonb) as edge (
          direction text, position integer, role text, digest text
        )`.execute(transaction)
      await transaction
        .updateTable('artifacts')
        .set({ first_execution: execution.id })
        .where('project_id', '=', project_id)
        .where(sql<boolean>`digest = any(${execution.outputs.map(({ digest }) => digest)}::text[])`)
        .where('first_execution', 'is', null)
        .execute()
    })
  }

  async get(id: string): Promise<Execution | null> {
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

import { type Selectable, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { RegraftError } from '../errors/index.ts'
import type { Schema } from './schema.ts'
import type { ProjectScope } from './scope.ts'
import type { Job, JobEvent, JobState, JobTable } from './types.ts'
import { isUuid } from './uuid.ts'

const LIST_LIMIT = 100

export class JobStore implements JobTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async create(job: {
    operation: string
    input: unknown
    principal: string
    idempotencyKey?: string | null
  }): Promise<Job> {
    const database = await this.#scope.writer()
    const idempotencyKey = job.idempotencyKey ?? null
    const created = await database
      .insertInto('jobs')
      .values({
        project_id: this.#scope.projectId,
        id: uuidv7(),
        operation: job.operation,
        input: json(job.input),
        principal: job.principal,
        state: 'queued',
        idempotency_key: idempotencyKey,
        runner: null,
        started_at: null,
        finished_at: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (created) return decode(created)
    const existing = await this.#jobs()
      .where('idempotency_key', '=', idempotencyKey)
      .executeTakeFirstOrThrow()
    return decode(existing)
  }

  async get(id: string): Promise<Job | null> {
    if (!isUuid(id)) return null
    const found = await this.#jobs().where('id', '=', id).executeTakeFirst()
    return found ? decode(found) : null
  }

  async list(options: { state?: JobState; limit?: number } = {}): Promise<Job[]> {
    const { state, limit = LIST_LIMIT } = options
    const found = await this.#jobs()
      .$if(state !== undefined, (select) => select.where('state', '=', state!))
      .orderBy('stored_seq', 'desc')
      .limit(limit)
      .execute()
    return found.map(decode)
  }

  async claim(id: string, runner: string): Promise<Job | null> {
    if (!isUuid(id)) return null
    const claimed = await this.#scope.database
      .updateTable('jobs')
      .set((column) => ({
        state: 'running',
        runner,
        attempts: column('attempts', '+', 1),
        started_at: sql`coalesce(started_at, now())`,
      }))
      .where('project_id', '=', this.#scope.projectId)
      .where('id', '=', id)
      .where('state', '=', 'queued')
      .returningAll()
      .executeTakeFirst()
    return claimed ? decode(claimed) : null
  }

  async finish(
    id: string,
    end: { state: 'succeeded' | 'failed' | 'cancelled'; result?: unknown; error?: unknown },
  ): Promise<void> {
    const { numUpdatedRows } = await this.#scope.database
      .updateTable('jobs')
      .set({
        state: end.state,
        result: end.result === undefined ? null : json(end.result),
        error: end.error === undefined ? null : json(end.error),
        finished_at: sql`now()`,
        runner: null,
      })
      .where('project_id', '=', this.#scope.projectId)
      .where('id', '=', id)
      .where('state', 'in', ['queued', 'running'])
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) throw new RegraftError('conflict', `Job ${id} has ended already or never was`)
  }

  async setProgress(id: string, progress: unknown): Promise<void> {
    await this.#scope.database
      .updateTable('jobs')
      .set({ progress: json(progress) })
      .where('project_id', '=', this.#scope.projectId)
      .where('id', '=', id)
      .execute()
  }

  async requestCancel(id: string): Promise<void> {
    await this.#scope.database
      .updateTable('jobs')
      .set({ cancel_requested: true })
      .where('project_id', '=', this.#scope.projectId)
      .where('id', '=', id)
      .where('state', 'in', ['queued', 'running'])
      .execute()
  }

  async requeueOrphans(aliveRunners: string[]): Promise<string[]> {
    const requeued = await this.#scope.database
      .updateTable('jobs')
      .set({ state: 'queued', runner: null })
      .where('project_id', '=', this.#scope.projectId)
      .where('state', '=', 'running')
      .where(sql<boolean>`runner <> all(${aliveRunners}::text[])`)
      .returning('id')
      .execute()
    return requeued.map(({ id }) => id)
  }

  async appendEvent(id: string, event: unknown): Promise<number> {
    // The job's own row hands out the number, so that two writers cannot get the same one.
    const { rows } = await sql<{ seq: number }>`
      with numbered as (
        update jobs set last_event_seq = last_event_seq + 1
        where project_id = ${this.#scope.projectId} and id = ${id}::uuid
        returning last_event_seq
      )
      insert into job_events (project_id, job_id, seq, event)
      select ${this.#scope.projectId}, ${id}::uuid, last_event_seq, ${json(event)}::json from numbered
      returning seq`.execute(this.#scope.database)
    const [appended] = rows
    if (!appended) throw new RegraftError('not-found', `There is no job ${id}`)
    return appended.seq
  }

  async events(id: string, afterSeq: number): Promise<JobEvent[]> {
    return await this.#scope.database
      .selectFrom('job_events')
      .select(['seq', 'at', 'event'])
      .where('project_id', '=', this.#scope.projectId)
      .where('job_id', '=', id)
      .where('seq', '>', afterSeq)
      .orderBy('seq')
      .execute()
  }

  #jobs() {
    return this.#scope.database.selectFrom('jobs').selectAll().where('project_id', '=', this.#scope.projectId)
  }
}

function json(value: unknown): string {
  return JSON.stringify(value ?? null)
}

function decode(columns: Selectable<Schema['jobs']>): Job {
  return {
    id: columns.id,
    operation: columns.operation,
    input: columns.input,
    principal: columns.principal,
    state: columns.state,
    progress: columns.progress,
    result: columns.result,
    error: columns.error,
    idempotencyKey: columns.idempotency_key,
    createdAt: columns.created_at,
    startedAt: columns.started_at,
    finishedAt: columns.finished_at,
    attempts: columns.attempts,
    cancelRequested: columns.cancel_requested,
  }
}

import type { ColumnType, Generated, GeneratedAlways } from 'kysely'
import type { ArtifactKind, AuditAction, Determinism, JobState } from './types.ts'

/** `json` and `jsonb` columns: the driver parses them, the store writes them as text. */
export type JsonColumn = ColumnType<unknown, string, string>
type OptionalJsonColumn = ColumnType<unknown, string | null | undefined, string | null>
type StoredSeq = GeneratedAlways<number>

export interface RowColumns {
  project_id: string
  id: string
  stored_seq: StoredSeq
  digest: string
  schema_version: number
  payload: Uint8Array
  payload_index: JsonColumn
  occurred_at: Date
  derived_from: string[]
  source_key: string | null
  subject: string | null
}

/** The tables as Kysely sees them; migrations/ is what makes them. */
export interface Schema {
  projects: { project_id: string; created_at: Generated<Date> }
  inferences: RowColumns
  feedback: RowColumns & { inference_id: string }
  examples: RowColumns
  artifacts: {
    project_id: string
    digest: string
    kind: ArtifactKind
    schema_version: number
    size: number
    bytes: Uint8Array
    value_index: JsonColumn
    stored_seq: StoredSeq
    created_at: Generated<Date>
  }
  executions: {
    project_id: string
    id: string
    step: string
    version: number
    determinism: Determinism
    step_key: string
    parameters: JsonColumn
    seed: number | null
    environment: JsonColumn
    started_at: Date
    finished_at: Date
    stored_seq: StoredSeq
  }
  execution_edges: {
    project_id: string
    execution_id: string
    execution_seq: number
    direction: 'input' | 'output'
    position: number
    role: string
    digest: string
  }
  snapshot_rows: {
    project_id: string
    snapshot: string
    row_id: string
    row_digest: string
    split: string
    position: number
  }
  aliases: { project_id: string; name: string; digest: string; updated_at: Generated<Date> }
  jobs: {
    project_id: string
    id: string
    operation: string
    input: JsonColumn
    principal: string
    state: JobState
    progress: OptionalJsonColumn
    result: OptionalJsonColumn
    error: OptionalJsonColumn
    idempotency_key: string | null
    runner: string | null
    attempts: Generated<number>
    cancel_requested: Generated<boolean>
    last_event_seq: Generated<number>
    created_at: Generated<Date>
    started_at: Date | null
    finished_at: Date | null
    stored_seq: StoredSeq
  }
  job_events: { project_id: string; job_id: string; seq: number; at: Generated<Date>; event: JsonColumn }
  api_keys: {
    project_id: string
    id: string
    name: string
    key_sha256: Uint8Array
    scopes: string[]
    created_at: Generated<Date>
    revoked_at: Date | null
  }
  responses: {
    project_id: string
    request_digest: string
    sample_index: number
    bytes: Uint8Array
    created_at: Generated<Date>
  }
  vault_queries: {
    project_id: string
    id: string
    stored_seq: StoredSeq
    suite: string
    purpose: string
    principal: string
    rows: number
    hits: number
    details: JsonColumn
    at: Generated<Date>
  }
  vault_burns: {
    project_id: string
    suite: string
    item: string
    principal: string
    reason: string
    at: Generated<Date>
  }
  audit_log: {
    project_id: string
    seq: number
    at: Date
    principal: string
    action: AuditAction
    about: string
    subject: string | null
    details: JsonColumn
    previous: string | null
    hash: string
    public_key: string
    signature: string
  }
  locations: { project_id: string; digest: string; path: string; size: number; modified_at: Date }
}

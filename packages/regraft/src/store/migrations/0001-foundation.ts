import type { SqlMigration } from './index.ts'

/**
 * `project_id` leads every key. Payloads are canonical JSON bytes in `bytea`; the `jsonb` column beside them is an
 * index and never read back. `json` (text kept as written) holds values that are read back but not hashed.
 * Edges, feedback and pins have no foreign keys to what they name: it may arrive later or be gone. Tables of many rows
 * have none to their project either: the check locks the project's row and costs a sixth of an insertion.
 * `fastupdate` would gather new entries of a GIN index in a list that each search reads through; vacuum empties it, and
 * PGlite never vacuums.
 */
export const foundation: SqlMigration = {
  name: '0001-foundation',
  sql: /* sql */ `
create table projects (
  project_id text primary key,
  created_at timestamptz not null default now()
);

create table inferences (
  project_id text not null,
  id uuid not null,
  stored_seq bigint generated always as identity,
  digest text not null,
  schema_version integer not null,
  payload bytea not null,
  payload_index jsonb not null,
  occurred_at timestamptz(3) not null,
  derived_from uuid[] not null default '{}',
  source_key text,
  primary key (project_id, id)
);
create unique index inferences_source_key on inferences (project_id, source_key) where source_key is not null;
create index inferences_order on inferences (project_id, occurred_at, id);
create index inferences_stored on inferences (project_id, stored_seq);
create index inferences_derived_from on inferences using gin (derived_from) with (fastupdate = off)
  where derived_from <> '{}';

create table feedback (
  project_id text not null,
  id uuid not null,
  stored_seq bigint generated always as identity,
  inference_id uuid not null,
  digest text not null,
  schema_version integer not null,
  payload bytea not null,
  payload_index jsonb not null,
  occurred_at timestamptz(3) not null,
  derived_from uuid[] not null default '{}',
  source_key text,
  primary key (project_id, id)
);
create unique index feedback_source_key on feedback (project_id, source_key) where source_key is not null;
create index feedback_order on feedback (project_id, occurred_at, id);
create index feedback_stored on feedback (project_id, stored_seq);
create index feedback_derived_from on feedback using gin (derived_from) with (fastupdate = off)
  where derived_from <> '{}';
create index feedback_inference on feedback (project_id, inference_id);

create table examples (
  project_id text not null,
  id uuid not null,
  stored_seq bigint generated always as identity,
  digest text not null,
  schema_version integer not null,
  payload bytea not null,
  payload_index jsonb not null,
  occurred_at timestamptz(3) not null,
  derived_from uuid[] not null default '{}',
  source_key text,
  primary key (project_id, id)
);
create unique index examples_source_key on examples (project_id, source_key) where source_key is not null;
create index examples_order on examples (project_id, occurred_at, id);
create index examples_stored on examples (project_id, stored_seq);
create index examples_derived_from on examples using gin (derived_from) with (fastupdate = off)
  where derived_from <> '{}';

create table artifacts (
  project_id text not null references projects on delete cascade,
  digest text not null,
  kind text not null,
  schema_version integer not null,
  size bigint not null,
  bytes bytea not null,
  value_index jsonb not null,
  stored_seq bigint generated always as identity,
  created_at timestamptz(3) not null default now(),
  primary key (project_id, digest)
);
create index artifacts_prefix on artifacts (project_id, digest text_pattern_ops);
create index artifacts_kind on artifacts (project_id, kind, stored_seq);

create table executions (
  project_id text not null references projects on delete cascade,
  id uuid not null,
  step text not null,
  version integer not null,
  determinism text not null,
  step_key text not null,
  parameters json not null,
  seed bigint,
  environment json not null,
  started_at timestamptz(3) not null,
  finished_at timestamptz(3) not null,
  stored_seq bigint generated always as identity,
  primary key (project_id, id)
);
create index executions_step_key on executions (project_id, step_key, stored_seq);

create table execution_edges (
  project_id text not null,
  execution_id uuid not null,
  execution_seq bigint not null,
  direction text not null check (direction in ('input', 'output')),
  position integer not null,
  role text not null,
  digest text not null,
  primary key (project_id, execution_id, direction, position),
  foreign key (project_id, execution_id) references executions on delete cascade
);
create index execution_edges_digest on execution_edges (project_id, digest, direction, execution_seq);

create table snapshot_rows (
  project_id text not null,
  snapshot text not null,
  row_id uuid not null,
  row_digest text not null,
  split text not null,
  position integer not null,
  primary key (project_id, snapshot, row_id)
);
create unique index snapshot_rows_order on snapshot_rows (project_id, snapshot, position);
create index snapshot_rows_row on snapshot_rows (project_id, row_id);

create table aliases (
  project_id text not null references projects on delete cascade,
  name text not null,
  digest text not null,
  updated_at timestamptz(3) not null default now(),
  primary key (project_id, name)
);

create table jobs (
  project_id text not null references projects on delete cascade,
  id uuid not null,
  operation text not null,
  input json not null,
  principal text not null,
  state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  progress json,
  result json,
  error json,
  idempotency_key text,
  runner text,
  attempts integer not null default 0,
  cancel_requested boolean not null default false,
  last_event_seq integer not null default 0,
  created_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  finished_at timestamptz(3),
  stored_seq bigint generated always as identity,
  primary key (project_id, id)
);
create unique index jobs_idempotency_key on jobs (project_id, idempotency_key) where idempotency_key is not null;
create index jobs_state on jobs (project_id, state, stored_seq);

create table job_events (
  project_id text not null,
  job_id uuid not null,
  seq integer not null,
  at timestamptz(3) not null default now(),
  event json not null,
  primary key (project_id, job_id, seq),
  foreign key (project_id, job_id) references jobs on delete cascade
);

create table api_keys (
  project_id text not null references projects on delete cascade,
  id uuid not null,
  name text not null,
  key_sha256 bytea not null,
  scopes text[] not null,
  created_at timestamptz(3) not null default now(),
  revoked_at timestamptz(3),
  primary key (project_id, id)
);
create unique index api_keys_sha256 on api_keys (project_id, key_sha256);

create table responses (
  project_id text not null references projects on delete cascade,
  request_digest text not null,
  sample_index integer not null,
  bytes bytea not null,
  created_at timestamptz(3) not null default now(),
  primary key (project_id, request_digest, sample_index)
);

create table locations (
  project_id text not null references projects on delete cascade,
  digest text not null,
  path text not null,
  size bigint not null,
  modified_at timestamptz(3) not null,
  primary key (project_id, digest, path)
);
`,
}

import type { SqlMigration } from './index.ts'

/**
 * A row with a subject (the keyed hash of an end user) holds ciphertext in `payload`, nothing in `payload_index`, and a
 * keyed digest. Vault tables say who asked a sealed suite what, and which of its items people have seen.
 */
export const subjectsAndVault: SqlMigration = {
  name: '0002-subjects-and-vault',
  sql: /* sql */ `
alter table inferences add column subject text;
alter table feedback add column subject text;
alter table examples add column subject text;
create index inferences_subject on inferences (project_id, subject) where subject is not null;
create index feedback_subject on feedback (project_id, subject) where subject is not null;
create index examples_subject on examples (project_id, subject) where subject is not null;

create table vault_queries (
  project_id text not null references projects on delete cascade,
  id uuid not null,
  stored_seq bigint generated always as identity,
  suite text not null,
  purpose text not null,
  principal text not null,
  rows bigint not null,
  hits bigint not null,
  details json not null,
  at timestamptz(3) not null default now(),
  primary key (project_id, id)
);
create index vault_queries_suite on vault_queries (project_id, suite, stored_seq);

create table vault_burns (
  project_id text not null references projects on delete cascade,
  suite text not null,
  item text not null,
  principal text not null,
  reason text not null,
  at timestamptz(3) not null default now(),
  primary key (project_id, suite, item)
);
`,
}

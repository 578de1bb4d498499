import type { SqlMigration } from './index.ts'

/**
 * The audit log. Its rows can be added and nothing else: triggers refuse the rest, also to the owner of the table, who
 * would have to drop them first. Each version of a registered adapter gets an alias of its own (`adapter/<name>@<version>`).
 */
export const auditLog: SqlMigration = {
  name: '0003-audit-log',
  sql: /* sql */ `
create table audit_log (
  project_id text not null references projects,
  seq bigint not null,
  at timestamptz(3) not null,
  principal text not null,
  action text not null,
  about text not null,
  subject text,
  details json not null,
  previous text,
  hash text not null,
  public_key text not null,
  signature text not null,
  primary key (project_id, seq)
);
create index audit_log_about on audit_log (project_id, about, seq);

create function audit_log_refuses() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end
$$;
create trigger audit_log_keeps_rows before update or delete on audit_log
  for each row execute function audit_log_refuses();
create trigger audit_log_keeps_all before truncate on audit_log
  for each statement execute function audit_log_refuses();

insert into aliases (project_id, name, digest)
  select distinct on (project_id, value_index ->> 'name', value_index ->> 'version')
    project_id, 'adapter/' || (value_index ->> 'name') || '@' || (value_index ->> 'version'), digest
  from artifacts
  where kind = 'registration'
  order by project_id, value_index ->> 'name', value_index ->> 'version', stored_seq desc
  on conflict do nothing;
`,
}

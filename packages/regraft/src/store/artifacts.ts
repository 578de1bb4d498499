import { sql } from 'kysely'
import { RegraftError } from '../errors/index.ts'
import { canonicalText, indexOf } from './canonical.ts'
import { digestOf, isDigest } from './digest.ts'
import { makerOf } from './executions.ts'
import type { ProjectScope } from './scope.ts'
import type { Artifact, ArtifactKind, ArtifactTable, SnapshotRows } from './types.ts'
import { isUuid } from './uuid.ts'

const HEX_PREFIX = /^(?:sha256:)?([0-9a-f]{6,64})$/
const PINS_PER_INSERT = 5000

interface Columns {
  digest: string
  kind: ArtifactKind
  schema_version: number
  size: number
  created_at: Date
  first_execution: string | null
}

export class ArtifactStore implements ArtifactTable {
  readonly #scope: ProjectScope

  constructor(scope: ProjectScope) {
    this.#scope = scope
  }

  async put(artifact: { kind: ArtifactKind; schemaVersion: number; value: unknown }): Promise<Artifact> {
    const text = canonicalText(artifact.value)
    const bytes = Buffer.from(text)
    const digest = digestOf(artifact.kind, artifact.schemaVersion, bytes)
    const database = await this.#scope.writer()
    await database
      .insertInto('artifacts')
      .values({
        project_id: this.#scope.projectId,
        digest,
        kind: artifact.kind,
        schema_version: artifact.schemaVersion,
        size: bytes.length,
        bytes,
        value_index: indexOf(sql<string>`${text}::text`) as never,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    return await this.#existing(digest)
  }

  async get(digest: string): Promise<Artifact | null> {
    const columns = await this.#artifacts().where('digest', '=', digest).executeTakeFirst()
    return columns ? decode(columns) : null
  }

  async read<T>(digest: string): Promise<T> {
    const { bytes } = await this.readBytes(digest)
    return JSON.parse(new TextDecoder().decode(bytes)) as T
  }

  async readBytes(digest: string): Promise<{ artifact: Artifact; bytes: Uint8Array }> {
    const columns = await this.#artifacts().select('bytes').where('digest', '=', digest).executeTakeFirst()
    if (!columns) throw missing(digest)
    const actual = digestOf(columns.kind, columns.schema_version, columns.bytes)
    if (actual !== digest) {
      throw new RegraftError(
        'digest-mismatch',
        `The stored bytes of ${columns.kind} ${digest} have changed`,
        {
          hint: 'The database was changed from outside: restore it from a backup, or make the artifact again.',
          details: { expected: digest, actual },
        },
      )
    }
    return { artifact: decode(columns), bytes: Uint8Array.from(columns.bytes) }
  }

  async resolve(prefixOrAlias: string): Promise<Artifact> {
    const alias = await this.#scope.database
      .selectFrom('aliases')
      .select('digest')
      .where('project_id', '=', this.#scope.projectId)
      .where('name', '=', prefixOrAlias)
      .executeTakeFirst()
    if (alias) return await this.#existing(alias.digest)
    const prefix = HEX_PREFIX.exec(prefixOrAlias)?.[1]
    if (!prefix) throw missing(prefixOrAlias)
    const found = await this.#artifacts()
      .where('digest', 'like', `sha256:${prefix}%`)
      .orderBy('digest')
      .limit(6)
      .execute()
    const [first, second] = found
    if (!first) throw missing(prefixOrAlias)
    if (second) {
      throw new RegraftError('conflict', `'${prefixOrAlias}' begins the digest of several artifacts`, {
        hint: `Write more digits: ${found.map(({ kind, digest }) => `${kind} ${digest.slice(0, 23)}`).join(', ')}`,
        details: { digests: found.map(({ digest }) => digest) },
      })
    }
    return decode(first)
  }

  async list(kind?: ArtifactKind): Promise<Artifact[]> {
    const found = await this.#artifacts()
      .$if(kind !== undefined, (select) => select.where('kind', '=', kind!))
      .orderBy('stored_seq')
      .execute()
    return found.map(decode)
  }

  async absent(digests: readonly string[]): Promise<string[]> {
    const found = await this.#scope.database
      .selectFrom('artifacts')
      .select('digest')
      .where('project_id', '=', this.#scope.projectId)
      .where(sql<boolean>`digest = any(${digests}::text[])`)
      .execute()
    const present = new Set(found.map(({ digest }) => digest))
    return [...new Set(digests)].filter((digest) => !present.has(digest))
  }

  async find(kind: ArtifactKind, members: Record<string, unknown>): Promise<Artifact[]> {
    const wanted = indexOf(sql<string>`${canonicalText(members)}::text`)
    const found = await this.#artifacts()
      .where('kind', '=', kind)
      .where(sql<boolean>`value_index @> ${wanted}`)
      .orderBy('stored_seq')
      .execute()
    return found.map(decode)
  }

  async remove(digest: string): Promise<void> {
    await this.#scope.database.transaction().execute(async (transaction) => {
      for (const [table, column] of [
        ['snapshot_rows', 'snapshot'],
        ['artifacts', 'digest'],
      ] as const) {
        await transaction
          .deleteFrom(table)
          .where('project_id', '=', this.#scope.projectId)
          .where(sql.ref(column), '=', digest)
          .execute()
      }
    })
  }

  async pinRows(snapshot: string, rows: { id: string; digest: string; split: string }[]): Promise<void> {
    const database = await this.#scope.writer()
    await database.transaction().execute(async (transaction) => {
      const { last } = await transaction
        .selectFrom('snapshot_rows')
        .select(sql<number>`coalesce(max(position), -1)`.as('last'))
        .where('project_id', '=', this.#scope.projectId)
        .where('snapshot', '=', snapshot)
        .executeTakeFirstOrThrow()
      for (let start = 0; start < rows.length; start += PINS_PER_INSERT) {
        const batch = rows
          .slice(start, start + PINS_PER_INSERT)
          .map((row, index) => ({ ...row, position: last + 1 + start + index }))
        await sql`
          insert into snapshot_rows (project_id, snapshot, row_id, row_digest, split, position)
          select ${this.#scope.projectId}, ${snapshot}, id, digest, split, position
          from jsonb_to_recordset(${JSON.stringify(batch)}::jsonb) as pin (
            id uuid, digest text, split text, position integer
          )
          on conflict (project_id, snapshot, row_id) do nothing`.execute(transaction)
      }
    })
    this.#scope.statistics.noteWrites('snapshot_rows', rows.length)
  }

  async *pinnedRows(snapshot: string): AsyncIterable<{ id: string; digest: string; split: string }> {
    await this.#scope.statistics.refresh('snapshot_rows')
    let after = -1
    while (true) {
      const page = await this.#scope.database
        .selectFrom('snapshot_rows')
        .select(['row_id as id', 'row_digest as digest', 'split', 'position'])
        .where('project_id', '=', this.#scope.projectId)
        .where('snapshot', '=', snapshot)
        .where('position', '>', after)
        .orderBy('position')
        .limit(this.#scope.engine.selectPage)
        .execute()
      for (const { id, digest, split, position } of page) {
        after = position
        yield { id, digest, split }
      }
      if (page.length < this.#scope.engine.selectPage) return
    }
  }

  async snapshotsOfRows(rowIds: string[]): Promise<string[]> {
    const found = await this.#scope.database
      .selectFrom('snapshot_rows')
      .select('snapshot')
      .distinct()
      .where('project_id', '=', this.#scope.projectId)
      .where(sql<boolean>`row_id = any(${rowIds.filter(isUuid)}::uuid[])`)
      .orderBy('snapshot')
      .execute()
    return found.map(({ snapshot }) => snapshot)
  }

  async rowsOfSnapshot(snapshot: string): Promise<SnapshotRows | null> {
    const { database, projectId, statistics } = this.#scope
    await statistics.refresh('examples')
    const { rows } = await sql<SnapshotRows & { known: boolean }>`
      with recorded as (
        select (entry ->> 'id')::uuid as id, entry ->> 'digest' as digest
        from artifacts, jsonb_array_elements(value_index -> 'rows') as entry
        where project_id = ${projectId} and artifacts.digest = ${snapshot}
      )
      select
        count(*) as rows,
        count(stored.id) as present,
        count(*) filter (where stored.digest <> recorded.digest) as changed,
        coalesce(array_agg(distinct stored.subject) filter (where stored.subject is not null), '{}') as subjects,
        exists (select from artifacts where project_id = ${projectId} and digest = ${snapshot}) as known
      from recorded left join examples as stored
        on stored.project_id = ${projectId} and stored.id = recorded.id`.execute(database)
    const { known, ...state } = rows[0]!
    return known ? state : null
  }

  #artifacts() {
    const { database, projectId } = this.#scope
    return database
      .selectFrom('artifacts')
      .select(['digest', 'kind', 'schema_version', 'size', 'created_at'])
      .select(makerOf(projectId, sql.ref('artifacts.digest')).as('first_execution'))
      .where('project_id', '=', projectId)
  }

  async #existing(digest: string): Promise<Artifact> {
    const artifact = await this.get(digest)
    if (!artifact) throw missing(digest)
    return artifact
  }
}

function decode(columns: Columns): Artifact {
  return {
    digest: columns.digest,
    kind: columns.kind,
    schemaVersion: columns.schema_version,
    size: columns.size,
    createdAt: columns.created_at,
    firstExecution: columns.first_execution,
  }
}

function missing(name: string): RegraftError {
  const hint = isDigest(name)
    ? 'It may have been removed: regraft lineage show tells what made it.'
    : 'Give an alias, or at least 6 hex digits of a digest.'
  return new RegraftError('not-found', `There is no artifact '${name}'`, { hint })
}

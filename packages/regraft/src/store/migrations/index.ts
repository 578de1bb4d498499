import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { RegraftError } from '../../errors/index.ts'
import { foundation } from './0001-foundation.ts'
import { subjectsAndVault } from './0002-subjects-and-vault.ts'
import { auditLog } from './0003-audit-log.ts'

/** One migration: its name sorts it, its SQL runs on Postgres 15 and later. */
export interface SqlMigration {
  name: string
  sql: string
}

/** Every migration, oldest first. One that has been released is never edited. */
export const MIGRATIONS: SqlMigration[] = [foundation, subjectsAndVault, auditLog]

/** Digest of all migrations, in hex: names the template of an empty migrated database. */
export function migrationsDigest(): string {
  return createHash('sha256').update(JSON.stringify(MIGRATIONS)).digest('hex')
}

/** Brings a database to the newest migration. Throws 'incompatible' when the database is newer than this code. */
export async function migrate<Schema>(database: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({
    db: database,
    migrationTableName: 'regraft_migrations',
    migrationLockTableName: 'regraft_migration_lock',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          MIGRATIONS.map((migration) => [
            migration.name,
            { up: async (transaction) => void (await sql.raw(migration.sql).execute(transaction)) },
          ]),
        ),
    },
  })
  const { error } = await migrator.migrateToLatest()
  if (error) {
    throw new RegraftError('incompatible', `The database cannot be migrated: ${describe(error)}`, {
      hint: 'Use the version of regraft that last opened it, or a newer one.',
      cause: error,
    })
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

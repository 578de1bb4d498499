import type { Kysely } from 'kysely'
import { RegraftError } from '../errors/index.ts'
import type { EngineCapabilities } from './engines.ts'
import type { Schema } from './schema.ts'
import type { Statistics } from './statistics.ts'

const PROJECT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** One project's view of the database: every table class gets one and puts `projectId` into every key. */
export class ProjectScope {
  readonly projectId: string
  readonly engine: EngineCapabilities
  /** Of the whole database, shared by its projects. */
  readonly statistics: Statistics
  /** For reading. */
  readonly database: Kysely<Schema>
  #created: Promise<unknown> | null = null

  constructor(
    projectId: string,
    database: Kysely<Schema>,
    engine: EngineCapabilities,
    statistics: Statistics,
  ) {
    if (!PROJECT_ID.test(projectId)) {
      throw new RegraftError('invalid-input', `'${projectId}' is not a project name`, {
        hint: 'Use 1 to 63 small letters, digits, - and _.',
      })
    }
    this.projectId = projectId
    this.database = database
    this.engine = engine
    this.statistics = statistics
  }

  /** For writing: the first call makes the project's own row. */
  async writer(): Promise<Kysely<Schema>> {
    this.#created ??= this.database
      .insertInto('projects')
      .values({ project_id: this.projectId })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    try {
      await this.#created
    } catch (error) {
      this.#created = null
      throw error
    }
    return this.database
  }
}

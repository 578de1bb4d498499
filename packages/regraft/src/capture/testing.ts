import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { Config } from '../config/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { quietCall } from '../operation/testing.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { type Journals, openJournals } from './journals.ts'

/** A store with its journals that the tests of a file share: opened before the first of them, closed after the last. */
export interface JournaledStore {
  store: Awaited<ReturnType<typeof openTestStore>>
  journals: Journals
  /** What an operation of a project is called with. */
  contextOf(project: ProjectStore, more?: Partial<OperationContext>): OperationContext
}

export function journaledStore(): JournaledStore {
  const opened = {
    contextOf: (project, more = {}) => ({
      ...{ store: project, ...quietCall(), config: Config.parse({}) },
      services: { journals: opened.journals } as OperationContext['services'],
      ...more,
    }),
  } as JournaledStore
  beforeAll(async () => {
    opened.store = await openTestStore()
    const { store } = opened
    opened.journals = await openJournals(join(store.dataDirectory, 'journal'), { store })
  })
  afterAll(async () => {
    await opened.journals.close()
    await opened.store.close()
  })
  return opened
}

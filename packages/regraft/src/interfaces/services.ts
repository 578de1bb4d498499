import { hostname } from 'node:os'
import { join } from 'node:path'
import { InferenceSubjects, type Journals, openJournals } from '../capture/index.ts'
import type { LoadedConfig } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { createJobRunner, createLocalWaker, createPgBossWaker } from '../jobs/index.ts'
import { EngineHost } from '../models/index.ts'
import type { AnyOperation, Log, OperationContext, Services } from '../operation/index.ts'
import type { Store } from '../store/index.ts'

declare module '../operation/types.ts' {
  interface Services {
    /** The configuration with the origin of each value. */
    configuration: LoadedConfig
  }
}

export interface ServiceHost {
  loaded: LoadedConfig
  store: Store
  operations: readonly AnyOperation[]
  log: Log
  /** Whether this process holds the data directory, and so may write its journals. */
  holdsDirectory: boolean
  /** Whether this process runs every waiting job, or only those that it is asked for. */
  takesAllJobs: boolean
}

/** Assembles what operations share in a process; `close` ends all of it but the jobs, which have been stopped before. */
export async function createServices(
  host: ServiceHost,
): Promise<{ services: Services; close(): Promise<void> }> {
  const { loaded, store, operations, log, holdsDirectory, takesAllJobs } = host
  const { config } = loaded
  const runner = `${hostname()}:${process.pid}:${crypto.randomUUID().slice(0, 8)}`
  const waker = config.databaseUrl
    ? createPgBossWaker({ databaseUrl: config.databaseUrl, runner, log })
    : createLocalWaker(runner)

  const onProblem = (message: string, cause?: unknown) => log.warn(message, { cause })
  const journals = holdsDirectory
    ? await openJournals(join(config.dataDirectory, 'journal'), {
        ...{ store, onProblem, fsync: config.capture.fsync },
      })
    : foreignJournals
  const engines = new EngineHost(config, 'serving')
  const evaluationEngines = new EngineHost(config, 'evaluation')
  const jobs = createJobRunner({
    runner,
    operations,
    waker,
    takesAll: takesAllJobs,
    projects: [store.project(config.project)],
    createContext: (project, job, { principal, signal, reporter }): OperationContext => ({
      store: project,
      principal,
      config,
      signal,
      progress: reporter.progress,
      log: { ...log, warn: reporter.warn },
      services,
      jobId: job.id,
      attempt: job.attempts,
    }),
  })
  const services: Services = { configuration: loaded, jobs, engines, evaluationEngines, journals }
  return {
    services,
    async close() {
      await engines.close()
      await evaluationEngines.close()
      await journals.close()
    },
  }
}

const foreignJournals: Journals = {
  subjects: new InferenceSubjects(),
  async of() {
    throw new RegraftError(
      'unavailable',
      'the journals of this data directory belong to the process that serves it',
      {
        hint: 'send this to the server that `regraft serving up` started',
      },
    )
  },
  async drained() {},
  async close() {},
}

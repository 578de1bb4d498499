import type { ProgressEvent } from '../operation/index.ts'
import type { JobTable } from '../store/types.ts'

/** What followers of a job see between its start and its end. */
export type JobEventBody =
  | ({ type: 'progress' } & ProgressEvent)
  | { type: 'warning'; message: string; fields?: Record<string, unknown> }

export interface Reporter {
  progress(event: ProgressEvent): void
  warn(message: string, fields?: Record<string, unknown>): void
  /** Resolves when everything reported so far is stored. */
  flush(): Promise<void>
}

/**
 * Stores what a job reports, in order.
 *
 * An operation may report thousands of times a second: within a stage at most one event per `interval` milliseconds is
 * stored, the newest; the first and the last of each stage always are.
 */
export function createReporter(jobs: JobTable, id: string, onStored: () => void, interval = 500): Reporter {
  let pending: ProgressEvent | null = null
  let timer: NodeJS.Timeout | null = null
  let stage: string | null = null
  let lastStored = 0
  let chain: Promise<void> = Promise.resolve()
  let failure: unknown = null

  const store = (event: JobEventBody) => {
    chain = chain
      .then(async () => {
        await jobs.appendEvent(id, event)
        const { type, ...progress } = event
        if (type === 'progress') await jobs.setProgress(id, progress)
        onStored()
      })
      .catch((error) => {
        failure ??= error
      })
  }
  const storePending = () => {
    if (timer) clearTimeout(timer)
    timer = null
    if (pending === null) return
    lastStored = Date.now()
    store({ type: 'progress', ...pending })
    pending = null
  }

  return {
    progress(event) {
      if (event.stage !== stage) {
        storePending()
        stage = event.stage
        pending = event
        storePending()
        return
      }
      pending = event
      timer ??= setTimeout(storePending, Math.max(0, lastStored + interval - Date.now()))
    },
    warn(message, fields) {
      storePending()
      store({ type: 'warning', message, ...(fields ? { fields } : {}) })
    },
    async flush() {
      storePending()
      await chain
      if (failure) throw failure
    },
  }
}

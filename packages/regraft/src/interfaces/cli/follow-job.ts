import { RegraftError } from '../../errors/index.ts'
import type { JobView } from '../../jobs/index.ts'
import type { ErrorDescription, ProgressEvent } from '../../operation/index.ts'
import { parseServerEvents } from './server-events.ts'
import type { Session } from './session.ts'

/** After this long without an event it is said why, in milliseconds. */
const QUIET = 2_000
/** Lost streams in a row without an event between them. */
const LOST_STREAMS = 5

export interface JobWatcher {
  progress(event: ProgressEvent): void
  warning(message: string): void
  waiting(message: string): void
}

/** Follows a job to its end, over lost connections and changes of the holder. */
export async function followJob(session: Session, id: string, watcher: JobWatcher): Promise<JobView> {
  let last = '0'
  let lost = 0
  const quiet = setTimeout(async () => {
    const job = await session
      .request(`/api/jobs/${id}`, { repeatable: true }, (response) => response.json() as Promise<JobView>)
      .catch(() => null)
    if (job?.state === 'queued') watcher.waiting('waits for another job to end')
  }, QUIET)
  try {
    for (;;) {
      try {
        const request = { headers: { 'last-event-id': last } }
        const end = await session.request(`/api/jobs/${id}/events`, request, async ({ body }) => {
          if (!body) return null
          for await (const { id: seq, event, data } of parseServerEvents(body)) {
            clearTimeout(quiet)
            lost = 0
            if (event === 'end') return JSON.parse(data) as JobView
            if (seq !== '') last = seq
            if (event === 'progress') watcher.progress(JSON.parse(data) as ProgressEvent)
            if (event === 'warning') watcher.warning((JSON.parse(data) as { message: string }).message)
          }
          return null
        })
        if (end) return end
      } catch (error) {
        if (lost >= LOST_STREAMS || (error instanceof RegraftError && error.code !== 'unavailable'))
          throw error
      }
      lost++
      if (lost > LOST_STREAMS)
        throw new RegraftError('unavailable', `the events of job ${id} cannot be followed`, {
          hint: `regraft jobs show ${id}`,
        })
    }
  } finally {
    clearTimeout(quiet)
  }
}

/** The result of an ended job; throws its error when it failed or was cancelled. */
export function jobResult(job: JobView): unknown {
  if (job.state === 'succeeded') return job.result
  if (job.state === 'cancelled') {
    throw new RegraftError('cancelled', `job ${job.id} was cancelled`, {
      hint: 'run the command again to start anew',
    })
  }
  const error = job.error as ErrorDescription | null
  throw new RegraftError(error?.code ?? 'internal', error?.message ?? `job ${job.id} failed`, {
    hint: error?.hint ?? undefined,
    details: { param: error?.param ?? null },
  })
}

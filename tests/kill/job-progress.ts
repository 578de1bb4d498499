import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readNewest } from '../../packages/regraft/src/interfaces/holder/lock.ts'
import { requestSocket } from '../../packages/regraft/src/interfaces/holder/socket.ts'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'

/** Waits, over the holder's socket, until the newest job of an operation has done a share of a stage; returns its id. */
export async function waitForShare(
  dataDirectory: string,
  operation: string,
  stage: string,
  share: number,
): Promise<string> {
  for (;;) {
    const job = await newestJob(dataDirectory, operation).catch(() => null)
    const progress = job?.progress as { stage?: string; done?: number; total?: number } | null | undefined
    if (job && progress?.stage === stage && (progress.done ?? 0) >= share * progress.total!) return job.id
    if (job && !['queued', 'running'].includes(job.state)) {
      throw new Error(`the job had ended (${job.state}) before it could be killed`)
    }
    await sleep(10)
  }
}

async function newestJob(dataDirectory: string, operation: string): Promise<JobView | null> {
  const record = readNewest(join(dataDirectory, 'holder'))?.record
  if (!record || record.released) return null
  const response = await requestSocket(record.socket, '/api/jobs/list')
  const { jobs } = (await response.json()) as { jobs: JobView[] }
  return jobs.find((job) => job.operation === operation) ?? null
}

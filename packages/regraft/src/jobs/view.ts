import { z } from 'zod'
import type { Job } from '../store/types.ts'

const Time = z.iso.datetime()

/** A job as the faces show it. */
export const JobView = z
  .object({
    id: z.string(),
    operation: z.string(),
    state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
    input: z.unknown(),
    progress: z.unknown(),
    result: z.unknown(),
    error: z.unknown(),
    principal: z.string(),
    attempts: z.int(),
    cancelRequested: z.boolean(),
    createdAt: Time,
    startedAt: Time.nullable(),
    finishedAt: Time.nullable(),
  })
  .meta({ id: 'Job' })
export type JobView = z.output<typeof JobView>

export function viewJob(job: Job): JobView {
  return {
    id: job.id,
    operation: job.operation,
    state: job.state,
    input: job.input,
    progress: job.progress ?? null,
    result: job.result ?? null,
    error: job.error ?? null,
    principal: job.principal,
    attempts: job.attempts,
    cancelRequested: job.cancelRequested,
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    finishedAt: job.finishedAt?.toISOString() ?? null,
  }
}

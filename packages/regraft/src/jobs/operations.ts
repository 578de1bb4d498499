import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { defineOperation, type ProgressEvent } from '../operation/index.ts'
import type { JobEventBody } from './reporter.ts'
import { hasEnded } from './runner.ts'
import { JobView, viewJob } from './view.ts'

const id = z.string().describe('id of the job')

const listJobs = defineOperation({
  name: 'jobs list',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'List jobs, the newest first',
  input: z.object({
    state: JobView.shape.state.optional().describe('only jobs in this state'),
    limit: z.int().min(1).max(1_000).default(20).describe('how many at most'),
  }),
  output: z.object({ jobs: z.array(JobView) }),
  example: 'regraft jobs list --state running',
  render: ({ jobs }) =>
    jobs.length === 0
      ? 'no jobs'
      : jobs.map((job) => `${job.id}  ${job.state.padEnd(9)}  ${job.createdAt}  ${job.operation}`).join('\n'),
  async run({ store }, input) {
    const jobs = await store.jobs.list(input)
    return { jobs: jobs.map(viewJob) }
  },
})

const showJob = defineOperation({
  name: 'jobs show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show a job with its progress, result or error',
  input: z.object({ id }),
  output: JobView,
  positionals: ['id'],
  example: 'regraft jobs show 01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11',
  async run({ store }, input) {
    const job = await store.jobs.get(input.id)
    if (!job)
      throw new RegraftError('not-found', `there is no job ${input.id}`, { hint: 'regraft jobs list' })
    return viewJob(job)
  },
})

const cancelJob = defineOperation({
  name: 'jobs cancel',
  effect: 'write',
  scope: 'write',
  mode: 'call',
  summary: 'Cancel a job that waits or runs',
  input: z.object({ id }),
  output: JobView,
  positionals: ['id'],
  example: 'regraft jobs cancel 01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11',
  run: async ({ store, services }, input) => viewJob(await services.jobs.cancel(store, input.id)),
})

const followJob = defineOperation({
  name: 'jobs follow',
  effect: 'write',
  scope: 'write',
  mode: 'stream',
  summary: 'Follow a job to its end; one that was interrupted goes on',
  input: z.object({ id }),
  output: JobView,
  positionals: ['id'],
  example: 'regraft jobs follow 01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11',
  async run({ store, services, signal, progress, log }, input) {
    for await (const { event } of services.jobs.follow(store, input.id, 0, signal)) {
      const { type, ...body } = event as JobEventBody
      if (type === 'progress') progress(body as ProgressEvent)
      else log.warn((body as { message: string }).message)
    }
    const job = await store.jobs.get(input.id)
    if (job && hasEnded(job.state)) return viewJob(job)
    throw new RegraftError('unavailable', 'the process that ran the job is ending', {
      hint: `regraft jobs follow ${input.id}`,
    })
  },
})

export const jobOperations = [listJobs, showJob, followJob, cancelJob]

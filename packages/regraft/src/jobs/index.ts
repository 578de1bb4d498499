import type { JobRunner } from './runner.ts'

export { jobOperations } from './operations.ts'
export { createPgBossWaker } from './pg-boss-waker.ts'
export { createJobRunner, hasEnded, type JobRunner } from './runner.ts'
export { JobView, viewJob } from './view.ts'
export { createLocalWaker } from './waker.ts'

declare module '../operation/types.ts' {
  interface Services {
    jobs: JobRunner
  }
}

import canonicalize from 'canonicalize'
import { RegraftError } from '../errors/index.ts'
import {
  type AnyOperation,
  describeError,
  type OperationContext,
  type Principal,
  parseInput,
  runOperation,
} from '../operation/index.ts'
import type { Job, JobEvent, JobState, ProjectStore } from '../store/types.ts'
import { createReporter, type Reporter } from './reporter.ts'
import type { Waker } from './waker.ts'

/** Light jobs beside the one heavy job, so that an import does not wait for a training. */
const LIGHT_JOBS = 4
/** How soon a job notices that another server was asked to cancel it, in milliseconds. */
const CANCEL_POLL = 1_000

export interface JobRunnerOptions {
  /** Names this process in the rows of the jobs that it runs. */
  runner: string
  operations: readonly AnyOperation[]
  waker: Waker
  /** Builds what an operation may use for a job of this project. */
  createContext(project: ProjectStore, job: Job, parts: JobParts): OperationContext
  /**
   * Whether this process runs every waiting job (a server), or only those that it is asked to start or to follow: a
   * command that merely reads must not find itself finishing somebody's interrupted training.
   */
  takesAll: boolean
  /** Projects whose jobs are looked for at the start; others are added when they are first used. */
  projects: ProjectStore[]
}

interface JobParts {
  principal: Principal
  signal: AbortSignal
  reporter: Reporter
}

interface NewJob {
  operation: AnyOperation
  /** As it came, already checked against the operation's input schema. */
  input: unknown
  principal: string
  idempotencyKey?: string | null
}

export interface JobRunner {
  /** Puts jobs of runners that are gone back into the queue and begins to work; returns the ids of those jobs. */
  start(): Promise<string[]>
  /** Stores a job and wakes a runner; the same idempotency key gives the same job. Throws 'conflict' when it differs. */
  submit(project: ProjectStore, job: NewJob): Promise<Job>
  /** Asks a job to end; one that has ended stays as it is. Throws 'not-found'. */
  cancel(project: ProjectStore, id: string): Promise<Job>
  /**
   * Events after `afterSeq` as they come, until the job has ended or this runner stops; one that waits is run.
   * Throws 'not-found'.
   */
  follow(project: ProjectStore, id: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<JobEvent>
  /** Resolves when nothing runs or waits here. */
  whenIdle(): Promise<void>
  /** Ids of the jobs that run in this process. */
  running(): string[]
  /** Interrupts the running jobs without ending them: the next runner resumes them. */
  stop(): Promise<void>
}

interface Run {
  heavy: boolean
  controller: AbortController
  done: Promise<void>
}

/** Runs the durable jobs of a process; the rows in the store are the truth. */
export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { runner, waker } = options
  const operations = new Map(options.operations.map((operation) => [operation.name, operation]))
  const projects = new Map(options.projects.map((project) => [project.projectId, project]))
  const runs = new Map<string, Run>()
  const asked = new Set<string>()
  const watchers = new Map<string, Set<() => void>>()
  let looking: Promise<number> | null = null
  let lookAgain = false
  let stopped = true
  let poll: NodeJS.Timeout | null = null

  const notify = (id: string) => {
    for (const wake of watchers.get(id) ?? []) wake()
  }

  /** Starts what can be started; returns how many jobs still wait. */
  const look = (): Promise<number> => {
    lookAgain = true
    looking ??= (async () => {
      let waiting = 0
      while (lookAgain && !stopped) {
        lookAgain = false
        waiting = 0
        for (const project of projects.values()) waiting += await startQueued(project)
      }
      return waiting
    })().finally(() => {
      looking = null
    })
    return looking
  }

  const hasRoom = (heavy: boolean) => {
    const busy = [...runs.values()].filter((run) => run.heavy === heavy).length
    return busy < (heavy ? 1 : LIGHT_JOBS)
  }

  const startQueued = async (project: ProjectStore): Promise<number> => {
    const queued = await project.jobs.list({ state: 'queued', limit: 1_000 })
    queued.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
    let waiting = 0
    for (const job of queued) {
      if (stopped) break
      if (!options.takesAll && !asked.has(job.id)) continue
      const heavy = operations.get(job.operation)?.heavy ?? false
      if (!hasRoom(heavy)) {
        waiting++
        continue
      }
      const claimed = await project.jobs.claim(job.id, runner)
      if (claimed) begin(project, claimed, heavy)
    }
    return waiting
  }

  const begin = (project: ProjectStore, job: Job, heavy: boolean) => {
    const controller = new AbortController()
    const done = execute(project, job, controller).finally(() => {
      runs.delete(job.id)
      notify(job.id)
      if (!stopped) look().catch(() => {})
    })
    runs.set(job.id, { heavy, controller, done })
  }

  const execute = async (project: ProjectStore, job: Job, controller: AbortController) => {
    const { jobs } = project
    const operation = operations.get(job.operation)
    if (job.cancelRequested) return await jobs.finish(job.id, { state: 'cancelled' })
    const cancelPoll = waker.pollInterval === null ? null : setInterval(watchCancel, CANCEL_POLL)
    async function watchCancel() {
      const row = await jobs.get(job.id).catch(() => null)
      if (row?.cancelRequested) controller.abort(cancelled())
    }
    const reporter = createReporter(jobs, job.id, () => notify(job.id))
    let end: { state: 'succeeded' | 'failed' | 'cancelled'; result?: unknown; error?: unknown }
    try {
      if (!operation)
        throw new RegraftError('not-found', `there is no operation '${job.operation}' in this version`)
      const principal = { id: job.principal, scopes: [operation.scope] }
      const context = options.createContext(project, job, { principal, signal: controller.signal, reporter })
      const result = await runOperation(operation, context, parseInput(operation, job.input))
      end = { state: 'succeeded', result }
    } catch (error) {
      end = controller.signal.aborted
        ? { state: 'cancelled' }
        : { state: 'failed', error: describeError(error) }
    } finally {
      if (cancelPoll) clearInterval(cancelPoll)
    }
    await reporter.flush().catch(() => {})
    // Left 'running' on purpose: the next runner finds its runner gone and resumes it.
    if (controller.signal.reason === SHUTDOWN && end.state !== 'succeeded') return
    await jobs.finish(job.id, end)
  }

  const useProject = async (project: ProjectStore) => {
    if (projects.has(project.projectId)) return
    projects.set(project.projectId, project)
    await project.jobs.requeueOrphans(await waker.aliveRunners())
  }

  const requireJob = async (project: ProjectStore, id: string) => {
    const job = await project.jobs.get(id)
    if (!job) throw new RegraftError('not-found', `there is no job ${id}`, { hint: 'regraft jobs list' })
    return job
  }

  return {
    async start() {
      stopped = false
      await waker.start(() => void look().catch(() => {}))
      const recover = async () => {
        const alive = await waker.aliveRunners()
        const requeued: string[] = []
        for (const project of projects.values()) requeued.push(...(await project.jobs.requeueOrphans(alive)))
        await look()
        return requeued
      }
      const requeued = await recover()
      if (waker.pollInterval !== null)
        poll = setInterval(() => void recover().catch(() => {}), waker.pollInterval)
      return requeued
    },

    async submit(project, { operation, input, principal, idempotencyKey = null }) {
      await useProject(project)
      const job = await project.jobs.create({ operation: operation.name, input, principal, idempotencyKey })
      if (job.operation !== operation.name || canonicalize(job.input) !== canonicalize(input)) {
        throw new RegraftError(
          'conflict',
          `the idempotency key '${idempotencyKey}' belongs to job ${job.id}, which differs`,
          {
            hint: 'send another Idempotency-Key, or none',
          },
        )
      }
      asked.add(job.id)
      await waker.wake()
      return job
    },

    async cancel(project, id) {
      await useProject(project)
      if (hasEnded((await requireJob(project, id)).state)) return requireJob(project, id)
      await project.jobs.requestCancel(id)
      const run = runs.get(id)
      if (run) run.controller.abort(cancelled())
      else {
        const claimed = await project.jobs.claim(id, runner)
        if (claimed) begin(project, claimed, false)
      }
      await runs.get(id)?.done
      return requireJob(project, id)
    },

    async *follow(project, id, afterSeq, signal) {
      let seq = afterSeq
      asked.add(id)
      if (!stopped) void look().catch(() => {})
      while (!signal.aborted) {
        const changed = Promise.withResolvers<void>()
        const set = watchers.get(id) ?? new Set()
        watchers.set(id, set.add(changed.resolve))
        const timer = setTimeout(changed.resolve, waker.pollInterval === null ? 10_000 : CANCEL_POLL)
        signal.addEventListener('abort', () => changed.resolve(), { once: true })
        try {
          const job = await requireJob(project, id)
          for (const event of await project.jobs.events(id, seq)) {
            seq = event.seq
            yield event
          }
          if (hasEnded(job.state) || stopped) return
          await changed.promise
        } finally {
          clearTimeout(timer)
          set.delete(changed.resolve)
          if (set.size === 0) watchers.delete(id)
        }
      }
    },

    async whenIdle() {
      for (;;) {
        const waiting = await look()
        if (stopped || (runs.size === 0 && waiting === 0)) return
        if (runs.size > 0) await Promise.race([...runs.values()].map((run) => run.done))
      }
    },

    running: () => [...runs.keys()],

    async stop() {
      stopped = true
      if (poll) clearInterval(poll)
      for (const run of runs.values()) run.controller.abort(SHUTDOWN)
      await Promise.allSettled([...runs.values()].map((run) => run.done))
      await looking?.catch(() => {})
      for (const id of watchers.keys()) notify(id)
      await waker.stop()
    },
  }
}

/** The reason with which a job's signal is aborted when the process ends, not the job. */
const SHUTDOWN = new RegraftError('unavailable', 'the process is shutting down')

function cancelled(): RegraftError {
  return new RegraftError('cancelled', 'cancelled on request')
}

export function hasEnded(state: JobState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled'
}

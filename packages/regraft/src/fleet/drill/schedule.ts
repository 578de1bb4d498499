import { type Config, milliseconds } from '../../config/index.ts'
import type { JobRunner } from '../../jobs/index.ts'
import type { AnyOperation, Log } from '../../operation/index.ts'
import type { Job, ProjectStore } from '../../store/types.ts'
import type { RebuildRecord } from '../judge-rebuild.ts'
import { listRegistrations } from '../registration.ts'

/** How often a server looks for drills that are due, in milliseconds. */
const LOOK = 5 * 60_000
/** Whose jobs scheduled drills are. */
const PRINCIPAL = 'schedule'

/** A registered adapter and its drills. */
export interface ScheduledDrill {
  name: string
  version: number
  registration: string
  /** The newest drill of this adapter. */
  last: { record: string; content: RebuildRecord } | null
  /** As configured; null where only who asks starts one. */
  every: string | null
  nextAt: Date | null
}

/** When each adapter was drilled and is to be drilled next: the last verdict says so, so that no restart forgets it. */
export async function listDrills(
  store: ProjectStore,
  { drills }: Pick<Config, 'drills'>,
): Promise<ScheduledDrill[]> {
  const scheduled: ScheduledDrill[] = []
  for (const { digest, registration } of await listRegistrations(store)) {
    const { name, version, adapter, origin, registeredAt } = registration
    const last = await lastDrill(store, adapter)
    const configured = drills.adapters[name] ?? drills.every ?? 'never'
    // What was adopted cannot be rebuilt: its record lacks the training.
    const every = configured === 'never' || origin !== 'trained' ? null : configured
    const from = Date.parse(last?.content.at ?? registeredAt)
    const nextAt = every === null ? null : new Date(from + milliseconds(every))
    scheduled.push({ name, version, registration: digest, last, every, nextAt })
  }
  return scheduled
}

/** The newest drill of an adapter; null when there was none. */
export async function lastDrill(store: ProjectStore, adapter: string): Promise<ScheduledDrill['last']> {
  let newest: ScheduledDrill['last'] = null
  for (const { digest } of await store.artifacts.find('verdict', { drill: 'rebuild', adapter })) {
    const content = await store.artifacts.read<RebuildRecord>(digest)
    if (newest === null || content.at >= newest.content.at) newest = { record: digest, content }
  }
  return newest
}

export interface ScheduleOptions {
  store: ProjectStore
  config: Config
  jobs: Pick<JobRunner, 'submit'>
  operations: readonly AnyOperation[]
  log: Log
}

/**
 * Starts the drill that has been due for longest, as an ordinary job, unless a heavy job runs or waits. At most one a day for each
 * adapter: one that fails is not tried over and over. Returns its job, null for none.
 */
export async function startDueDrill(
  { store, config, jobs, operations }: Omit<ScheduleOptions, 'log'>,
  now: Date,
): Promise<Job | null> {
  const operation = operations.find(({ name }) => name === 'fleet rebuild')
  if (!operation || (await isBusy(store, operations))) return null
  const due = (await listDrills(store, config))
    .filter(({ nextAt }) => nextAt !== null && nextAt <= now)
    .sort((a, b) => a.nextAt!.getTime() - b.nextAt!.getTime())
  for (const { name, registration } of due) {
    const idempotencyKey = `drill/${registration}/${now.toISOString().slice(0, 10)}`
    const job = await jobs.submit(store, { operation, input: { name }, principal: PRINCIPAL, idempotencyKey })
    if (job.state === 'queued' || job.state === 'running') return job
  }
  return null
}

async function isBusy(store: ProjectStore, operations: readonly AnyOperation[]): Promise<boolean> {
  const heavy = new Set(operations.filter((operation) => operation.heavy).map(({ name }) => name))
  for (const state of ['running', 'queued'] as const) {
    const jobs = await store.jobs.list({ state, limit: 1000 })
    if (jobs.some(({ operation }) => heavy.has(operation))) return true
  }
  return false
}

/** Looks for due drills now and then until it is stopped; not at all where none is configured. */
export function startDrillSchedule(options: ScheduleOptions): { stop(): Promise<void> } {
  const { every, adapters } = options.config.drills
  if (every === undefined && Object.keys(adapters).length === 0) return { async stop() {} }
  let looking: Promise<unknown> = Promise.resolve()
  const look = () => {
    looking = startDueDrill(options, new Date()).then(
      (job) => job && options.log.info('started a rebuild drill', { job: job.id }),
      (error: unknown) => options.log.warn('cannot look for due drills', { cause: error }),
    )
  }
  look()
  const timer = setInterval(look, LOOK)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await looking
    },
  }
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type AnyOperation, defineOperation, type OperationContext } from '../operation/index.ts'
import { openStore, type Store } from '../store/index.ts'
import { testEngines } from '../store/testing.ts'
import type { JobEvent, JobState, ProjectStore } from '../store/types.ts'
import { createJobRunner, createLocalWaker, createPgBossWaker, type JobRunner } from './index.ts'

const engines = await testEngines()
afterAll(async () => {
  for (const engine of engines) await engine.stop()
})

/** A job that reports each start and then waits until the test lets it go. */
function createGate(heavy: boolean) {
  const started: { input: string; attempt: number }[] = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const gateOf = (name: string) => gates.get(name) ?? gates.set(name, Promise.withResolvers()).get(name)!
  const operation = defineOperation({
    name: heavy ? 'gate heavy' : 'gate light',
    effect: 'write',
    scope: 'write',
    mode: 'job',
    heavy,
    summary: 'Wait',
    example: 'regraft gate heavy a',
    input: z.object({ name: z.string() }),
    output: z.object({ name: z.string() }),
    async run({ signal, attempt, progress }, { name }) {
      started.push({ input: name, attempt })
      progress({ stage: 'wait' })
      const aborted = new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      )
      await Promise.race([gateOf(name).promise, aborted])
      return { name }
    },
  })
  return { operation, started, open: (name: string) => gateOf(name).resolve() }
}

const count = defineOperation({
  name: 'count up',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Count',
  example: 'regraft count up',
  input: z.object({ to: z.int() }),
  output: z.object({ counted: z.int() }),
  async run({ progress, log }, { to }) {
    for (let done = 1; done <= to; done++) progress({ stage: 'count', done, total: to })
    log.warn('counted')
    progress({ stage: 'check' })
    return { counted: to === 13 ? (null as unknown as number) : to }
  },
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

function createRunner(
  store: Store,
  databaseUrl: string | undefined,
  name: string,
  operations: AnyOperation[],
  takesAll: boolean,
) {
  const waker = databaseUrl
    ? createPgBossWaker({ databaseUrl, runner: name, log: silent })
    : createLocalWaker(name)
  return createJobRunner({
    runner: name,
    operations,
    waker,
    takesAll,
    projects: [store.project('default')],
    createContext: (project, job, { principal, signal, reporter }) =>
      ({
        store: project,
        principal,
        signal,
        progress: reporter.progress,
        log: { ...silent, warn: reporter.warn },
        jobId: job.id,
        attempt: job.attempts,
      }) as unknown as OperationContext,
  })
}

describe.each(engines.filter((engine) => engine.skipped === null))('jobs on $name', (engine) => {
  let store: Store
  let project: ProjectStore
  let databaseUrl: string | undefined
  const runners: JobRunner[] = []
  const start = async (name: string, operations: AnyOperation[], takesAll = true) => {
    const runner = createRunner(store, databaseUrl, name, operations, takesAll)
    runners.push(runner)
    await runner.start()
    return runner
  }
  const reach = async (id: string, state: JobState) =>
    expect.poll(async () => (await project.jobs.get(id))?.state, { timeout: 10_000 }).toBe(state)

  beforeAll(async () => {
    const options = await engine.options()
    databaseUrl = options.databaseUrl
    store = await openStore(options)
    project = store.project('default')
  })
  afterAll(async () => {
    for (const runner of runners) await runner.stop()
    await store.close()
  })

  test('a job runs, its events are followed to the end and from any point again', async () => {
    const runner = await start('one', [count])
    const job = await runner.submit(project, { operation: count, input: { to: 1_000 }, principal: 'local' })
    const follow = async (after: number) => {
      const events: JobEvent[] = []
      const signal = AbortSignal.timeout(10_000)
      for await (const event of runner.follow(project, job.id, after, signal)) events.push(event)
      return events
    }
    const events = await follow(0)
    expect(events.map(({ event }) => event)).toEqual([
      { type: 'progress', stage: 'count', done: 1, total: 1_000 },
      { type: 'progress', stage: 'count', done: 1_000, total: 1_000 },
      { type: 'warning', message: 'counted' },
      { type: 'progress', stage: 'check' },
    ])
    expect((await follow(events[1]!.seq)).map(({ seq }) => seq)).toEqual([events[2]!.seq, events[3]!.seq])
    expect(await project.jobs.get(job.id)).toMatchObject({
      state: 'succeeded',
      result: { counted: 1_000 },
      attempts: 1,
    })
    await runner.stop()
  })

  test('an idempotency key gives the same job, and is refused for another input', async () => {
    const runner = await start('two', [count])
    const submit = (to: number) =>
      runner.submit(project, { operation: count, input: { to }, principal: 'local', idempotencyKey: 'once' })
    const first = await submit(2)
    expect((await submit(2)).id).toBe(first.id)
    await expect(submit(3)).rejects.toMatchObject({ code: 'conflict' })
    await runner.whenIdle()
    expect((await project.jobs.get(first.id))?.attempts).toBe(1)
    await runner.stop()
  })

  test('a failure keeps its code and hint, and an output that breaks its schema is our failure', async () => {
    const runner = await start('three', [count])
    const broken = await runner.submit(project, { operation: count, input: { to: 13 }, principal: 'local' })
    const refused = await runner.submit(project, { operation: count, input: { to: 'x' }, principal: 'local' })
    await reach(broken.id, 'failed')
    await reach(refused.id, 'failed')
    expect((await project.jobs.get(broken.id))?.error).toMatchObject({ code: 'internal' })
    expect((await project.jobs.get(refused.id))?.error).toMatchObject({ code: 'invalid-input', param: 'to' })
    await runner.stop()
  })

  test('one heavy job runs at a time, light ones pass it, and both kinds can be cancelled', async () => {
    const heavy = createGate(true)
    const light = createGate(false)
    const runner = await start('four', [heavy.operation, light.operation])
    const submit = (operation: AnyOperation, name: string) =>
      runner.submit(project, { operation, input: { name }, principal: 'local' })
    const first = await submit(heavy.operation, 'first')
    const second = await submit(heavy.operation, 'second')
    const third = await submit(heavy.operation, 'third')
    const passing = await submit(light.operation, 'passing')
    await reach(first.id, 'running')
    light.open('passing')
    await reach(passing.id, 'succeeded')
    expect(heavy.started.map(({ input }) => input)).toEqual(['first'])

    expect((await runner.cancel(project, second.id)).state).toBe('cancelled')
    expect((await runner.cancel(project, first.id)).state).toBe('cancelled')
    await reach(third.id, 'running')
    heavy.open('third')
    await runner.whenIdle()
    expect(heavy.started.map(({ input }) => input)).toEqual(['first', 'third'])
    expect((await runner.cancel(project, third.id)).state).toBe('succeeded')
    await expect(runner.cancel(project, crypto.randomUUID())).rejects.toMatchObject({ code: 'not-found' })
    await runner.stop()
  })

  test('a job whose runner ended waits until somebody asks for it, then resumes with the same input', async () => {
    const gate = createGate(true)
    const before = await start('before', [gate.operation])
    const job = await before.submit(project, {
      operation: gate.operation,
      input: { name: 'long' },
      principal: 'local',
    })
    await reach(job.id, 'running')
    await before.stop()
    expect((await project.jobs.get(job.id))?.state).toBe('running')

    const reader = createRunner(store, databaseUrl, 'reader', [gate.operation], false)
    expect(await reader.start()).toEqual([job.id])
    await reader.whenIdle()
    await reader.stop()
    expect((await project.jobs.get(job.id))?.state).toBe('queued')

    const after = await start('after', [gate.operation], false)
    void after.follow(project, job.id, 0, AbortSignal.timeout(10_000)).next()
    await expect
      .poll(() => gate.started)
      .toEqual([
        { input: 'long', attempt: 1 },
        { input: 'long', attempt: 2 },
      ])
    gate.open('long')
    await reach(job.id, 'succeeded')
  })
})

// When drills are due follows from what is stored, so that a restart forgets nothing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../../config/index.ts'
import type { AnyOperation } from '../../operation/index.ts'
import { openTestStore } from '../../store/testing.ts'
import type { Job, ProjectStore } from '../../store/types.ts'
import { rebuildOperation } from '../rebuild.ts'
import { listDrills, startDueDrill } from './schedule.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let project: ProjectStore
beforeAll(async () => {
  store = await openTestStore()
  project = store.project('schedule')
  await register('routing', 'sha256:a', '2026-01-01T00:00:00.000Z')
  await register('tone', 'sha256:b', '2026-01-05T00:00:00.000Z')
  await register('foreign', 'sha256:c', '2026-01-01T00:00:00.000Z', 'adopted')
})
afterAll(() => store.close())

async function register(name: string, adapter: string, registeredAt: string, origin = 'trained') {
  const value = { name, version: 1, adapter, origin, registeredAt, seeds: [1] }
  const { digest } = await project.artifacts.put({ kind: 'registration', schemaVersion: 2, value })
  await project.aliases.set(`adapter/${name}`, digest)
}
async function drilled(adapter: string, at: string) {
  const value = {
    drill: 'rebuild',
    adapter,
    at,
    seconds: 4,
    verdict: { outcome: 'pass', finding: 'REPRODUCED' },
  }
  await project.artifacts.put({ kind: 'verdict', schemaVersion: 1, value })
}

const config = Config.parse({ drills: { every: '30d', adapters: { tone: '1w' } } })
const operations: AnyOperation[] = [rebuildOperation]
const jobs = {
  submit: (
    _: ProjectStore,
    { operation, ...job }: { operation: AnyOperation; input: unknown; principal: string },
  ) => project.jobs.create({ operation: operation.name, ...job }),
}
const start = (now: string) => startDueDrill({ store: project, config, jobs, operations }, new Date(now))
const finish = (job: Job | null, state: 'succeeded' | 'failed') => project.jobs.finish(job!.id, { state })

test('the time of the next drill counts from the last one, else from the registration', async () => {
  const next = async () =>
    Object.fromEntries(
      (await listDrills(project, config)).map(({ name, nextAt }) => [name, nextAt?.toISOString() ?? null]),
    )
  expect(await next()).toEqual({
    foreign: null,
    routing: '2026-01-31T00:00:00.000Z',
    tone: '2026-01-12T00:00:00.000Z',
  })
  await drilled('sha256:a', '2026-02-10T00:00:00.000Z')
  await drilled('sha256:a', '2026-01-20T00:00:00.000Z')
  expect((await next()).routing).toBe('2026-03-12T00:00:00.000Z')
  const never = Config.parse({ drills: { every: '30d', adapters: { routing: 'never' } } })
  expect((await listDrills(project, never)).find(({ name }) => name === 'routing')!.nextAt).toBeNull()
})

test('the drill that is due for longest starts as a job, alone, and at most once a day', async () => {
  expect(await start('2026-01-11T00:00:00Z')).toBeNull()
  const first = await start('2026-03-13T08:00:00Z')
  expect(first).toMatchObject({ operation: 'fleet rebuild', input: { name: 'tone' }, principal: 'schedule' })
  // While it waits or runs, nothing else is started.
  expect(await start('2026-03-13T08:05:00Z')).toBeNull()
  await finish(first, 'failed')
  const second = await start('2026-03-13T08:10:00Z')
  expect(second).toMatchObject({ input: { name: 'routing' } })
  await finish(second, 'succeeded')
  // Both were tried today; the failed one is tried again tomorrow.
  expect(await start('2026-03-13T09:00:00Z')).toBeNull()
  await drilled('sha256:a', '2026-03-13T08:20:00.000Z')
  expect(await start('2026-03-14T00:00:00Z')).toMatchObject({ input: { name: 'tone' } })
})

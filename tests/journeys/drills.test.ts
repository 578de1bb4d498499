// Drills whose bytes differ: several seeds, measured and compared; and one that is cut off in the middle.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RegraftError } from '../../packages/regraft/src/errors/index.ts'
import type { RebuildRecord } from '../../packages/regraft/src/fleet/judge-rebuild.ts'
import { rebuildOperation } from '../../packages/regraft/src/fleet/rebuild.ts'
import { type DrilledAdapter, makeDrilledAdapter } from './drilled-adapter.ts'

let made: DrilledAdapter
beforeAll(async () => {
  made = await makeDrilledAdapter({ items: 150 })
})
afterAll(() => made.close())

const rebuild = (options: Record<string, unknown> = {}, context = made.context) =>
  rebuildOperation.run(context, rebuildOperation.input.parse({ name: 'desk', ...options }))
const recordOf = (digest: string) => made.context.store.artifacts.read<RebuildRecord>(digest)
const evaluations = async () =>
  (await made.context.store.vault.queries(made.registration.suite.artifact)).length

test('a drill that is cut off keeps the seeds that it has trained', async () => {
  const { store, config } = made.context
  const jobId = crypto.randomUUID()
  const controller = new AbortController()
  const interrupted = {
    ...made.context,
    jobId,
    signal: controller.signal,
    progress({ stage }: { stage: string }) {
      if (stage === 'seed 3 of 3') controller.abort(new RegraftError('unavailable', 'shutting down'))
    },
  }
  await expect(rebuild({ allSeeds: true }, interrupted)).rejects.toThrow()
  const folder = join(config.dataDirectory, 'training', `rebuild-${jobId}`)
  expect(existsSync(folder)).toBe(true)
  const before = (await store.executions.producing(made.registration.adapter)).map(({ id }) => id)
  expect(before).toHaveLength(2)

  const { record, verdict } = await rebuild({ allSeeds: true }, { ...made.context, jobId, attempt: 2 })
  const { seeds, seconds } = await recordOf(record)
  expect(verdict).toMatchObject({ finding: 'REPRODUCED', parts: [{ finding: 'EQUIVALENT', n: 150 }] })
  expect(seeds.map(({ seed }) => seed)).toEqual([1, 2, 3])
  expect(before).toContain(seeds[0]!.execution)
  expect(await store.executions.producing(made.registration.adapter)).toHaveLength(2)
  expect(seconds).toBeGreaterThan(seeds[0]!.seconds + seeds[1]!.seconds)
  expect(existsSync(folder)).toBe(false)
})

test('other bytes are compared over seeds, within the budget of the suite', async () => {
  const { config } = made.context
  const { record } = await rebuild({ allSeeds: true })
  const [, second] = (await recordOf(record)).seeds
  await made.register({ adapter: second!.adapter })
  const { verdict } = await rebuild()
  // None of these adapters has learned anything: all answer alike.
  expect(verdict).toMatchObject({ outcome: 'pass', finding: 'EQUIVALENT', effect: 0, n: 150 })
  expect(verdict.reason).toMatch(
    /adapter_model.safetensors came out with other bytes, the environment lock is the same/,
  )
  expect(verdict.interval!.high).toBeGreaterThan(0.015)

  config.drills.margin = 0.01
  const narrow = await rebuild()
  expect(narrow.verdict).toMatchObject({ outcome: 'cannot-tell', needed: expect.any(Number) })
  expect(narrow.verdict.finding).toBeUndefined()

  const used = await evaluations()
  config.vault.evaluations = used + 2
  const poor = await rebuild()
  expect(poor.verdict).toMatchObject({
    outcome: 'cannot-tell',
    reason: expect.stringMatching(/may be answered 2 times more, and 3 are needed/),
  })
  // Nothing was trained for an answer that cannot be had.
  expect((await recordOf(poor.record)).seeds).toHaveLength(1)
})

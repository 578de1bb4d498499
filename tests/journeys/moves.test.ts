// Adapters that move to another base: by their recipe, and by what they say themselves once their rows are gone.
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SnapshotManifest } from '../../packages/regraft/src/datasets/index.ts'
import type { MoveRecord } from '../../packages/regraft/src/fleet/migrate/judge-move.ts'
import { migrateOperation } from '../../packages/regraft/src/fleet/migrate/migrate.ts'
import { registerOperation } from '../../packages/regraft/src/fleet/register.ts'
import { readRegistration } from '../../packages/regraft/src/fleet/registration.ts'
import { rescueOperation } from '../../packages/regraft/src/fleet/rescue/rescue.ts'
import { synthesisePrompts } from '../../packages/regraft/src/fleet/rescue/synthesise-prompts.ts'
import { makeSelection, runStep, type Selection } from '../../packages/regraft/src/lineage/index.ts'
import { findBase, recordBase } from '../../packages/regraft/src/models/index.ts'
import { type MovingAdapter, makeMovingAdapter, question } from './moving-adapter.ts'

let made: MovingAdapter
beforeAll(async () => {
  made = await makeMovingAdapter()
})
afterAll(() => made.close())

const migrate = (options: Record<string, unknown> = {}) =>
  migrateOperation.run(made.context, migrateOperation.input.parse({ name: 'desk', to: 'next', ...options }))
const rescue = (options: Record<string, unknown> = {}) =>
  rescueOperation.run(
    made.context,
    rescueOperation.input.parse({ name: 'desk', to: 'next', keepRate: true, ...options }),
  )

async function withoutBase<Result>(run: () => Promise<Result>): Promise<Result> {
  const [here, away] = [join(made.folder, 'pico'), join(made.folder, 'away')]
  renameSync(here, away)
  try {
    return await run()
  } finally {
    renameSync(away, here)
  }
}

test('an adapter whose base is gone is trained on another one, judged by what it answered, and registered', async () => {
  const { context } = made
  const { verdict, record, adapter, learningRate } = await withoutBase(() => migrate())
  expect(verdict).toMatchObject({ outcome: 'pass', title: 'migration of desk v1', n: 60 })
  expect(verdict.parts).toMatchObject([
    { outcome: 'pass', title: 'better than the base next' },
    { outcome: 'pass', title: 'no worse than the adapter desk v1' },
  ])
  const kept = await context.store.artifacts.read<MoveRecord>(record)
  expect(kept).toMatchObject({ drill: 'migrate', adapter, replaces: made.adapter, suite: made.suite })
  expect(kept.agreement).toMatchObject({ n: 60, share: 1 })
  expect(kept.details).toMatchObject({
    readings: { before: null, tokenizer: 'different', chatTemplate: 'different' },
    rate: { recorded: 0.02, chosen: learningRate },
  })
  expect(verdict.reason).toContain(
    '<|im_start|>note: Answer in one word.<|im_end|><|im_start|>user: Where is my card?',
  )
  const entries = await context.store.audit.list({ about: 'desk' })
  expect(entries.at(-1)).toMatchObject({ action: 'migrate', subject: record })

  const registering = { name: 'desk', adapter, as: 'candidate' }
  const { registration } = await registerOperation.run(context, registerOperation.input.parse(registering))
  expect(await readRegistration(context.store, registration)).toMatchObject({
    ...{ version: 2, origin: 'trained', base: { name: 'next' }, verdict: record, score: { n: 60 } },
  })

  const again = await migrate({ keepRate: true })
  expect(again.adapter).toBe(adapter)
  expect(again.verdict.reason).toMatch(
    /the \d+ rows are \d+ tokens under the tokenizer of next, \d+ under the old one/,
  )
  // What had been made before counts too: risk reads how long a migration takes.
  expect(again.seconds).toBeGreaterThan(0.5)
  await expect(migrate({ to: 'pico' })).rejects.toThrow(/is on the base pico already/)
})

test('an adapter whose rows are gone labels prompts, which are kept from the suite', async () => {
  const { context } = made
  const { store } = context
  const labelled = await store.artifacts.resolve('snapshot/latest')
  const { rows: old } = await store.artifacts.read<SnapshotManifest>(labelled.digest)
  const ids = old.map(({ id }) => id)
  await store.examples.remove(ids, { force: true })
  await expect(migrate({ maxLength: 100 })).rejects.toThrow(/rows that desk was trained on are not all there/)

  const fresh = await made.addTraffic(
    Array.from({ length: 40 }, (_, i) => question(i, 'there is')),
    { from: 5000 },
  )
  const [sealed] = await made.addTraffic([question(7, 'is')], { from: 4000 })
  const [derived] = await made.addTraffic(['that error there'], { from: 4001, derivedFrom: [sealed!] })
  const gone = await store.keys.subjectOf('u-1')
  await made.addTraffic(['the words of a person'], { from: 4002, subject: gone })
  await store.keys.destroy(`subject/${gone}`)

  const { verdict, snapshot, agreement, rows, adapter } = await rescue({
    rows: 200,
    keptBack: 0.2,
    margin: 0.1,
  })
  expect(verdict).toMatchObject({ outcome: 'pass', title: 'rescue of desk v1', n: 60 })
  expect(rows.dropped['evaluation-overlap']).toBe(1)
  const manifest = await store.artifacts.read<SnapshotManifest>(snapshot)
  expect(manifest.rescued).toEqual({ adapter: made.adapter, depth: 1, leastConfidence: 0 })
  expect(manifest.sources).toMatchObject([{ source: `rescue:${made.adapter}`, consent: 'by contract' }])
  const origins = new Map<string, string[]>()
  const answers = manifest.rows.map(({ inference }) => inference)
  for await (const row of store.inferences.select({ ids: answers })) {
    origins.set(row.id, row.derivedFrom)
    expect(row.payload.messages.at(-1)!.content).not.toBe(question(7, 'is'))
    expect(row.payload).toMatchObject({ adapter: made.adapter, route: 'rescue/desk' })
  }
  const learned = new Set([...origins.values()].flat())
  expect(learned.has(sealed!)).toBe(false)
  expect(learned.has(derived!)).toBe(true)
  // The newest traffic is kept back, and none of it was learned from.
  expect(fresh.slice(-10).some((id) => learned.has(id))).toBe(false)
  expect(agreement.traffic).toMatchObject({ share: 1 })
  expect(agreement.inDistribution!.n).toBeGreaterThan(0)

  // Its rows and answers are nobody's traffic, and learning from what it answers is a second generation.
  const registering = registerOperation.input.parse({ name: 'desk', adapter, as: 'candidate' })
  const { version } = await registerOperation.run(context, registering)
  await expect(rescue({ name: `desk@${version}`, to: 'pico' })).rejects.toThrow(
    /has learned from a model itself: this would be generation 2/,
  )
})

test('made-up prompts are new rows derived from those that were shown, and are made once', async () => {
  const { store, services, config } = made.context
  const real = ['Where is my parcel?', 'The tap is leaking again.', 'Can I move my appointment to Friday?']
  const ids = await made.addTraffic(real, { from: 9000 })
  const { artifact: examples } = await makeSelection(store, 'inferences', { ids })
  const { artifact: generator } = await recordBase(store, findBase(config, 'regraft-nano'))
  const step = synthesisePrompts({ engines: services.evaluationEngines, onProgress() {} })
  const make = () =>
    runStep({ project: store }, step, {
      inputs: [
        { role: 'generator', digest: generator.digest },
        { role: 'examples', digest: examples.digest },
      ],
      parameters: { name: 'desk', adapter: made.adapter, rows: 8, temperature: 1, seed: 1 },
    })
  const first = await make()
  const before = await store.inferences.count()
  const { query, count } = await store.artifacts.read<Selection>(first.digest('prompts'))
  expect(count).toBe(8)
  const texts = new Set<string>()
  for await (const { payload, derivedFrom } of store.inferences.select({ ids: query.ids! })) {
    const [system, user] = payload.messages
    expect(system).toEqual({ role: 'system', content: 'Say.' })
    expect(derivedFrom.every((id) => ids.includes(id))).toBe(true)
    expect(payload).toMatchObject({ response: null, model: 'regraft-nano', route: 'rescue/desk' })
    texts.add(user!.content)
  }
  expect(texts.size).toBe(8)
  expect(real.some((text) => texts.has(text))).toBe(false)
  const again = await make()
  expect((await store.artifacts.read<Selection>(again.digest('prompts'))).query.ids).toEqual(query.ids)
  expect(await store.inferences.count()).toBe(before)
})

test('an adapter whose base is gone cannot label any more', async () => {
  await expect(withoutBase(() => rescue())).rejects.toMatchObject({
    code: 'incompatible',
    message: expect.stringMatching(/desk v1 cannot label prompts any more, .*the base pico is not at/),
    hint: expect.stringContaining('fleet migrate desk'),
  })
})

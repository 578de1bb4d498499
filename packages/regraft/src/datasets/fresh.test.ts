import { expect, test } from 'vitest'
import { journaledStore } from '../capture/testing.ts'
import { Config } from '../config/index.ts'
import { inference } from '../store/spec/fixtures.ts'
import type { NewInference, ProjectStore } from '../store/types.ts'
import { buildOperation } from './build.ts'
import type { SnapshotManifest } from './manifest.ts'
import { readSuite, sealItems } from './vault/index.ts'

const opened = journaledStore()

/** A day's ticket with its label; every fifth user has two conversations on the go. */
function ticket(day: number, changes: Partial<NewInference> = {}): NewInference {
  const row = inference(`ticket of day ${day} about ${THINGS[day % THINGS.length]}`, changes)
  row.occurredAt = new Date(Date.UTC(2026, 2, 1 + day))
  return row
}
const THINGS = ['a card', 'a refund', 'a parcel', 'an address', 'a contract', 'a password', 'a bill']

async function insert(project: ProjectStore, rows: NewInference[]) {
  await project.inferences.insert(rows)
  await project.feedback.insert(
    rows.map(({ id, occurredAt }, index) => ({
      ...{ id: id.replace(/^../, 'ff'), inferenceId: id, occurredAt, derivedFrom: [id] },
      payload: { type: 'label', value: ['cards', 'cards', 'refunds'][index % 3]!, author: null },
    })),
  )
}

async function build(project: ProjectStore, options: Record<string, unknown>, config: unknown = {}) {
  const context = opened.contextOf(project, { config: Config.parse(config) })
  const built = await buildOperation.run(
    context,
    buildOperation.input.parse({ embedder: 'none', ...options }),
  )
  return { built, manifest: await project.artifacts.read<SnapshotManifest>(built.snapshot) }
}

test('a cycle seals its newest rows as a fresh suite, beside the frozen one, and the next cycle gets its own', async () => {
  const project = opened.store.project('fresh')
  const rows = Array.from({ length: 40 }, (_, day) => ticket(day))
  await insert(project, rows)
  const first = await build(project, { fresh: 0.125, holdout: 0.25, validation: 0 })
  // The frozen suite took the ten newest; of the thirty others the four newest are fresh.
  expect(first.built.fresh).toMatchObject({ name: 'fresh/all/2026-03-30', items: 4 })
  const items = async (digest: string) =>
    (await readSuite(project, digest)).items.flatMap(({ inferences }) => inferences).sort()
  const ids = (from: number, to: number) =>
    rows
      .slice(from, to)
      .map(({ id }) => id)
      .sort()
  expect(await items(first.manifest.suite)).toEqual(ids(30, 40))
  expect(await items(first.manifest.fresh!)).toEqual(ids(26, 30))
  expect(first.manifest.rows.map((row) => row.inference).sort()).toEqual(ids(0, 26))
  expect(first.built.dropped['held-out']).toBe(14)
  for (const suite of [first.manifest.suite, first.manifest.fresh!]) {
    expect(await project.vault.queries(suite)).toMatchObject([{ purpose: 'screen', rows: 26 }])
  }
  // The same cycle again is answered from the cache: the same suite under the same name, and no query.
  const again = await build(project, { fresh: 0.125, holdout: 0.25, validation: 0 })
  expect(again.built).toEqual({ ...first.built, suite: { ...first.built.suite, sealedNow: false } })
  expect(await project.vault.queries(first.manifest.suite)).toHaveLength(1)

  const more = Array.from({ length: 10 }, (_, day) => ticket(40 + day))
  await insert(project, more)
  const second = await build(project, { fresh: 0.5, since: '2026-04-10T00:00:00Z', validation: 0 })
  expect(second.built).toMatchObject({
    suite: { digest: first.manifest.suite, sealedNow: false },
    fresh: { name: 'fresh/all/2026-04-19', items: 5 },
  })
  expect(await items(second.manifest.fresh!)).toEqual(
    more
      .slice(5)
      .map(({ id }) => id)
      .sort(),
  )
  const none = build(project, { fresh: 0.1, since: '2027-01-01T00:00:00Z' })
  await expect(none).rejects.toMatchObject({ code: 'invalid-input', hint: /--fresh/ })
})

test('split by entity, nobody is in two of training, validation and the held-out suite', async () => {
  const project = opened.store.project('entities')
  const users = await Promise.all(Array.from({ length: 12 }, (_, user) => project.keys.subjectOf(`${user}`)))
  const rows = Array.from({ length: 60 }, (_, day) => {
    const row = ticket(day, { subject: users[day % users.length]! })
    // A conversation that two users take part in binds them together.
    if (day === 0 || day === 1) row.payload = { ...row.payload, conversation: 'shared' }
    return row
  })
  await insert(project, rows)
  const { manifest, built } = await build(project, { splitBy: 'entity', holdout: 0.2, validation: 0.2 })
  const groups = (ids: string[]) => {
    const days = ids.map((id) => rows.findIndex((row) => row.id === id) % users.length)
    return new Set(days.map((user) => (user === 1 ? 0 : user)))
  }
  const suite = await readSuite(project, manifest.suite)
  const held = groups(suite.items.flatMap(({ inferences }) => inferences))
  const [train, validation] = (['train', 'validation'] as const).map((split) =>
    groups(manifest.rows.filter((row) => row.split === split).map((row) => row.inference)),
  ) as [Set<number>, Set<number>]
  for (const part of [held, train, validation]) expect(part.size).toBeGreaterThan(0)
  for (const user of train) expect(validation.has(user) || held.has(user)).toBe(false)
  for (const user of validation) expect(held.has(user)).toBe(false)
  expect(built).toMatchObject({ splitBy: 'entity' })

  // What comes later of the held-out users stays out too, and a newcomer comes in.
  const late = ticket(70, { subject: users[[...held][0]!]! })
  const newcomer = ticket(71, { subject: await project.keys.subjectOf('new') })
  await insert(project, [late, newcomer])
  const next = await build(project, { splitBy: 'entity', validation: 0 })
  expect(next.manifest.dropped).toContainEqual(
    expect.objectContaining({ inference: late.id, reason: 'same-entity', of: expect.any(String) }),
  )
  expect(next.manifest.rows.map((row) => row.inference)).toContain(newcomer.id)
})

test('stratified, the suite and the validation rows keep the shares of the labels', async () => {
  const project = opened.store.project('stratified')
  await insert(
    project,
    Array.from({ length: 60 }, (_, day) => ticket(day)),
  )
  const { built, manifest } = await build(project, { splitBy: 'stratified', holdout: 0.25, validation: 0.2 })
  expect(built).toMatchObject({ splitBy: 'stratified', train: 36, validation: 9 })
  expect((await readSuite(project, manifest.suite)).items).toHaveLength(15)
  const labels = await Promise.all(
    manifest.rows
      .filter(({ split }) => split === 'validation')
      .map(async ({ id }) => {
        for await (const { payload } of project.examples.select({ ids: [id] })) {
          return 'completion' in payload ? payload.completion : null
        }
      }),
  )
  expect(labels.filter((label) => label === 'cards')).toHaveLength(6)
})

test('a snapshot is kept from every suite that a gate names, and the choice of the main one is not made harder', async () => {
  const project = opened.store.project('gates')
  const rows = Array.from({ length: 40 }, (_, day) => ticket(day))
  await insert(project, rows)
  const { manifest: first } = await build(project, {})
  const items = await sealItems(project.keys, 'general', [
    {
      ...{ messages: rows[3]!.payload.messages, expected: 'cards', inference: null, subject: null },
      ...{ slices: {}, entities: [] },
    },
  ])
  const value = { name: 'general', scoring: 'exact-match', items, leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  await project.aliases.set('suite/general', digest)
  const gates = { requirements: [{ require: 'forgetting', suite: 'general' }] }
  const { manifest } = await build(project, {}, { gates })
  expect(manifest.suite).toBe(first.suite)
  expect(manifest.alsoKeptFrom).toEqual([digest])
  const dropped = (of: SnapshotManifest) =>
    of.dropped.map(({ inference, reason }) => `${inference} ${reason}`)
  const more = dropped(manifest).filter((row) => !dropped(first).includes(row))
  expect(more).toEqual([expect.stringMatching(new RegExp(`^${rows[3]!.id} evaluation-`))])
})

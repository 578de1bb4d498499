import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import type { SnapshotManifest } from '../datasets/index.ts'
import { sealItems } from '../datasets/vault/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { quietCall } from '../operation/testing.ts'
import { example, inference } from '../store/spec/fixtures.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { chooseIncumbent, findSuite, incumbentAlias } from './find-adapter.ts'
import { requireClean, standingOf } from './grown.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const SECRET = 'the zebra ate my card at the harbour'

async function seal(project: ProjectStore, name: string, texts: string[]): Promise<string> {
  const items = await sealItems(
    project.keys,
    name,
    texts.map((text) => {
      return {
        messages: [{ role: 'user', content: text }],
        expected: 'cards',
        inference: null,
        subject: null,
      }
    }),
  )
  const value = { name, scoring: 'exact-match', items, leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  await project.aliases.set(`suite/${name}`, digest)
  return digest
}

/** A snapshot of these texts that was kept from a suite; what a build makes of it beside that is not looked at here. */
async function snapshotOf(project: ProjectStore, suite: string, texts: string[]): Promise<string> {
  const rows = texts.map((text) => inference(text))
  await project.inferences.insert(rows)
  const examples = rows.map(({ id, payload }) => example(payload.messages[0]!.content, [id]))
  await project.examples.insert(examples)
  const digests = new Map<string, string>()
  for await (const { id, digest } of project.examples.links({ ids: examples.map(({ id }) => id) })) {
    digests.set(id, digest)
  }
  const manifest: SnapshotManifest = {
    ...{ task: null, consent: null, suite, splitBy: 'time', dropped: [], coverage: [] },
    rows: examples.map(({ id, derivedFrom }) => ({
      ...{ id, digest: digests.get(id)!, split: 'train', signal: 'label', feedback: [], source: 'serving' },
      ...{ inference: derivedFrom![0]!, occurredAt: '2026-03-01T12:00:00.000Z' },
    })),
  }
  return (await project.artifacts.put({ kind: 'snapshot', schemaVersion: 2, value: manifest })).digest
}

function contextOf(project: ProjectStore) {
  const warnings: string[] = []
  const quiet = quietCall()
  const log = { ...quiet.log, warn: (text: string) => void warnings.push(text) }
  const services = {} as OperationContext['services']
  const context: OperationContext = { ...quiet, log, store: project, config: Config.parse({}), services }
  return { context, warnings }
}

test('a suite of a name that the build knew may have grown, under another name it is refused', async () => {
  const project = store.project('standing')
  const before = await seal(project, 'desk', ['one', 'two'])
  const snapshot = await snapshotOf(project, before, ['where is my parcel'])
  const record = { snapshot } as AdapterRecord
  const { context, warnings } = contextOf(project)
  expect(await findSuite(context, record, undefined)).toBe(before)
  expect(warnings).toEqual([])
  const grown = await seal(project, 'desk', ['one', 'two', 'three'])
  const other = await seal(project, 'other', ['one', 'two', 'three'])
  const manifest = await project.artifacts.read<SnapshotManifest>(snapshot)
  const standing = (name: string, digest: string) => standingOf(project, manifest, { name, digest })
  expect([
    await standing('desk', before),
    await standing('desk', grown),
    await standing('other', other),
  ]).toEqual(['kept-out', 'grown', 'unknown'])
  expect(await findSuite(context, record, 'desk')).toBe(grown)
  await expect(findSuite(context, record, 'other')).rejects.toMatchObject({ code: 'incompatible' })
  // Without a name it stays the one that the adapter was kept from, and it is said that there is a newer one.
  expect(await findSuite(context, record, undefined)).toBe(before)
  expect(warnings).toEqual([expect.stringMatching(/it had 2 items, and has 3; --evaluation desk/)])
})

test('an adapter that has learned an added item is refused by the places of the rows, and no item is named', async () => {
  const project = store.project('refused')
  const snapshot = await snapshotOf(project, await seal(project, 'desk', ['one']), ['where is it', SECRET])
  const grown = await seal(project, 'desk', ['one', `${SECRET}!`])
  const call = { adapter: `sha256:${'ab'.repeat(32)}`, snapshot, suite: grown }
  const { rows } = await project.artifacts.read<SnapshotManifest>(snapshot)
  const refusal = await requireClean(contextOf(project).context, call).then(
    () => expect.unreachable(),
    (error) => error,
  )
  expect(refusal).toMatchObject({
    code: 'incompatible',
    hint: 'regraft datasets build --evaluation desk leaves these rows out; then train again',
    details: { rows: [rows[1]!.inference] },
  })
  expect(refusal.message).toBe(
    `the suite 'desk' has grown since the adapter abababababab was trained, and 1 of the 2 rows of its snapshot hold items of it: ${rows[1]!.inference}`,
  )
  expect(JSON.stringify(refusal)).not.toContain('zebra')
  const clean = await seal(project, 'desk', ['one', 'how do I change my name'])
  await expect(requireClean(contextOf(project).context, { ...call, suite: clean })).resolves.toMatch(
    /^sha256:/,
  )
})

test('a suite that grows keeps its incumbent: the one that was set last among the suites of its name', async () => {
  const project = store.project('incumbent')
  const first = await seal(project, 'desk', ['one'])
  const second = await seal(project, 'desk', ['one', 'two'])
  const third = await seal(project, 'desk', ['one', 'two', 'three'])
  const other = await seal(project, 'other', ['one'])
  const [old, better] = ['aa', 'bb'].map((byte) => `sha256:${byte.repeat(32)}`) as [string, string]
  const { context } = contextOf(project)
  const incumbent = async (suite: string, adapter = 'sha256:new') =>
    (await chooseIncumbent(context, undefined, suite, adapter))?.adapter ?? null
  expect(await incumbent(third)).toBeNull()
  await project.aliases.set(incumbentAlias(first), old)
  expect(await incumbent(third)).toBe(old)
  expect(await incumbent(other)).toBeNull()
  await project.aliases.set(incumbentAlias(second), better)
  expect(await incumbent(third)).toBe(better)
  expect(await incumbent(third, better)).toBeNull()
  // Rolled back to the version that had been judged on the first suite.
  await project.aliases.set(incumbentAlias(first), old)
  expect(await incumbent(second)).toBe(old)
})

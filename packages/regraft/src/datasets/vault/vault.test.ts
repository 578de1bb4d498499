import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inference } from '../../store/spec/fixtures.ts'
import { openTestStore } from '../../store/testing.ts'
import type { ProjectStore } from '../../store/types.ts'
import { excludedItems, readSuite, sealItems, VaultVisit } from './index.ts'
import { openItems } from './open-items.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const SECRET = 'my card was swallowed by the machine at the station'
const ACCESS = { principal: 'ada', budget: { evaluations: 2, screens: 1 } }

function item(text: string, expected = 'atm', from: { inference?: string; subject?: string } = {}) {
  const messages = [{ role: 'user', content: text }]
  return { messages, expected, inference: from.inference ?? null, subject: from.subject ?? null }
}

async function seal(project: ProjectStore, items: Parameters<typeof sealItems>[2]) {
  const value = {
    name: 'desk',
    scoring: 'exact-match',
    items: await sealItems(project.keys, 'desk', items),
    leftOut: [],
  }
  return (await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })).digest
}

test('a sealed item opens to what it was, and its text is nowhere in the data directory', async () => {
  const project = store.project('sealed')
  const digest = await seal(project, [item(SECRET), item('where is my card', 'arrival'), item(SECRET)])
  const suite = await readSuite(project, digest)
  expect(suite.items).toHaveLength(2)
  expect(suite.items[0]!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const { items } = await openItems(project, digest)
  expect(items[0]).toEqual({ id: suite.items[0]!.id, messages: item(SECRET).messages, expected: 'atm' })
  expect(JSON.stringify(suite)).not.toContain('card')
  const files = readdirSync(store.dataDirectory, { recursive: true, withFileTypes: true })
  const holding = files
    .filter((file) => file.isFile())
    .filter((file) => readFileSync(join(file.parentPath, file.name)).includes('swallowed by the machine'))
  expect(holding.map(({ name }) => name)).toEqual([])
  // The pattern finds text that was stored in the clear.
  await project.inferences.insert([inference(SECRET)])
  const written = files.some(
    (file) =>
      file.isFile() && readFileSync(join(file.parentPath, file.name)).includes('swallowed by the machine'),
  )
  expect(written).toBe(true)
})

test('the same items are the same suite in one project, and another one in the next', async () => {
  const items = [item(SECRET), item('where is my card', 'arrival')]
  const [one, other] = [store.project('one'), store.project('other')]
  const digest = await seal(one, items)
  expect(await seal(one, items)).toBe(digest)
  expect(await seal(other, items)).not.toBe(digest)
  const ids = async (project: ProjectStore, suite: string) =>
    (await readSuite(project, suite)).items.map(({ id }) => id)
  expect(await ids(other, await seal(other, items))).not.toEqual(await ids(one, digest))
})

test('an item with the words of an end user goes with their key; the others stay', async () => {
  const project = store.project('erased')
  const subject = await project.keys.subjectOf('user-7')
  const held = item('my iban is wrong', 'account', { subject, inference: inference('').id })
  const digest = await seal(project, [held, item(SECRET)])
  await project.keys.destroy(`subject/${subject}`)
  const opened = await openItems(project, digest)
  const [gone, left] = (await readSuite(project, digest)).items
  expect(opened).toMatchObject({ erased: [gone!.id], items: [{ id: left!.id }] })
  expect(gone!.inferences).toEqual([held.inference])
  await project.vault.burn({ suite: digest, items: [left!.id], principal: 'ada', reason: 'looked' })
  expect(await excludedItems(project, await readSuite(project, digest))).toEqual({
    burned: [left!.id],
    erased: [gone!.id],
  })
  await project.keys.destroy('vault/desk')
  await expect(openItems(project, digest)).rejects.toMatchObject({ code: 'not-found' })
})

test('rows that hold one item twice are both kept from training', async () => {
  const project = store.project('repeats')
  const ids = ['01981f3e-5a30-7cc4-9c2b-00000000000a', '01981f3e-5a30-7cc4-9c2b-00000000000b']
  const digest = await seal(
    project,
    ids.map((id) => item(SECRET, 'atm', { inference: id })),
  )
  expect((await readSuite(project, digest)).items.map(({ inferences }) => inferences)).toEqual([ids])
})

test('a suite of version 1 is read as it was', async () => {
  const project = store.project('upcast')
  const [old] = [{ id: '0123456789abcdef', ...item(SECRET) }]
  const value = { name: 'desk', scoring: 'exact-match', items: [old], leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 1, value })
  expect((await readSuite(project, digest)).items).toMatchObject([{ id: old!.id, inferences: [] }])
  expect((await openItems(project, digest)).items[0]).toMatchObject({ id: old!.id, expected: 'atm' })
})

test('only ids, numbers and the names of rungs leave; a visit is one query, and the budget ends', async () => {
  const project = store.project('visits')
  const digest = await seal(project, [item(SECRET), item('where is my card')])
  const visit = new VaultVisit(project, ACCESS, 'screen')
  const suite = await visit.suite(digest)
  const row = '01981f3e-5a30-7cc4-9c2b-00000000000a'
  const answer = await visit.inside(
    suite,
    (items) => {
      const result = { pairs: [[row, items[0]!.id, 0.5, 'equal']], vectors: [new Float32Array(2)] }
      return { result, rows: 10, hits: 1 }
    },
    ['equal'],
  )
  expect(answer.pairs).toEqual([[row, suite.items[0]!.id, 0.5, 'equal']])
  for (const leak of [
    [SECRET],
    { note: 'Card' },
    new Map([[row, 'atm']]),
    { [SECRET]: 1 },
    { deep: [{ deeper: new Set(['my card']) }] },
  ]) {
    const leaking = visit.inside(suite, () => ({ result: leak, rows: 1, hits: 0 }))
    await expect(leaking).rejects.toMatchObject({ code: 'internal' })
    await expect(leaking).rejects.not.toThrow(/card|atm/i)
  }
  await visit.log({ snapshot: 'sha256:5' })
  expect(await project.vault.queries(digest)).toMatchObject([
    {
      ...{ purpose: 'screen', principal: 'ada', rows: 10, hits: 1 },
      details: { snapshot: 'sha256:5', budget: 1 },
    },
  ])
  const again = new VaultVisit(project, ACCESS, 'screen').inside(suite, () => ({
    result: 0,
    rows: 0,
    hits: 0,
  }))
  await expect(again).rejects.toMatchObject({
    code: 'forbidden',
    hint: expect.stringMatching(/vault\.screens/),
  })
  // Evaluations have a budget of their own.
  const gate = new VaultVisit(project, ACCESS, 'evaluate')
  const without = suite.items[1]!.id
  expect((await gate.itemsForEvaluation(suite, [without])).map(({ id }) => id)).toEqual([suite.items[0]!.id])
})

test('nothing outside the vault opens items', () => {
  const source = join(import.meta.dirname, '../..')
  const files = globSync('**/*.ts', { cwd: source }).filter((path) => !path.endsWith('.test.ts'))
  const opening = files.filter((path) =>
    /open-items\.ts'|openItems/.test(readFileSync(join(source, path), 'utf8')),
  )
  expect(opening.length).toBeGreaterThan(2)
  expect(opening.filter((path) => !path.startsWith(join('datasets', 'vault')))).toEqual([])
  expect(readFileSync(join(import.meta.dirname, 'index.ts'), 'utf8')).not.toMatch(/openItems/)
})

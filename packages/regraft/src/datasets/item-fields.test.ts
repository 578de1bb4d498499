import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import { quietCall } from '../operation/testing.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { sealOperation } from './seal.ts'
import { itemFacts, readSuite } from './vault/index.ts'
import { openItems } from './vault/open-items.ts'
import { vaultExport } from './vault/verbs/export.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

function contextOf(project: ProjectStore): Parameters<typeof sealOperation.run>[0] {
  return {
    store: project,
    ...quietCall(),
    config: Config.parse({}),
    services: {} as Parameters<typeof sealOperation.run>[0]['services'],
  }
}

async function seal(project: ProjectStore, name: string, content: string, options: object = {}) {
  const { digest } = await project.blobs.put(Buffer.from(content))
  const input = { file: { digest, name }, as: 'desk', ...options }
  return await sealOperation.run(contextOf(project), sealOperation.input.parse(input))
}

const CSV = [
  'text,label,channel,language,customer,options',
  'where is my card,cards,chat,en,ada,cards|parcels',
  'wo ist mein Paket,parcels,mail,de,grace,"[""parcels"", ""cards""]"',
  'and my card,cards,,en,ada,cards|parcels',
  'no such choice,refunds,chat,en,,cards|parcels',
  'no choices,cards,chat,en,,',
  'twice,cards,chat,en,,cards|cards',
].join('\n')
const COLUMNS = { text: 'text', label: 'label' }

test('slices stay in the clear, choices are sealed, and a line whose choices are wrong is left out with the reason', async () => {
  const project = store.project('slices')
  const options = {
    ...COLUMNS,
    slice: ['channel', 'language', 'channel'],
    choices: 'options',
    subject: 'customer',
  }
  const { suite: digest, rejected } = await seal(project, 'evaluation.csv', CSV, options)
  const suite = await readSuite(project, digest)
  expect(suite.items.map(({ slices }) => slices)).toEqual([
    { channel: 'chat', language: 'en' },
    { channel: 'mail', language: 'de' },
    { language: 'en' },
  ])
  expect(JSON.stringify(await project.artifacts.read(digest))).not.toContain('parcels')
  const { items } = await openItems(project, digest)
  expect(items.map(({ choices }) => choices)).toEqual([
    ['cards', 'parcels'],
    ['parcels', 'cards'],
    ['cards', 'parcels'],
  ])
  expect(rejected).toEqual([
    { line: 5, reason: 'has a right answer that is none of its choices' },
    { line: 6, reason: 'has no options that is a list of texts, in JSON or with | between them' },
    { line: 7, reason: 'has the same choice twice' },
  ])
  // Both items of one customer are one cluster, that of the other another one; no name is in it.
  const [ada, grace, again] = suite.items.map(({ id }) => itemFacts(suite).get(id)!.cluster)
  expect(ada).toMatch(/^sha256:/)
  expect(again).toBe(ada)
  expect(grace).not.toBe(ada)
})

test('without the options a file seals to the items that it always did', async () => {
  const project = store.project('plain')
  const plain = await seal(project, 'evaluation.csv', CSV, COLUMNS)
  const sliced = await seal(project, 'evaluation.csv', CSV, { ...COLUMNS, slice: ['language'] })
  const [before, after] = [await readSuite(project, plain.suite), await readSuite(project, sliced.suite)]
  expect(after.items.map(({ id }) => id)).toEqual(before.items.map(({ id }) => id))
  expect(JSON.stringify(await project.artifacts.read(plain.suite))).not.toMatch(/slices|choices/)
})

test('what an export hands out seals to the same items, slices and choices again', async () => {
  const project = store.project('again')
  const options = { slice: ['channel', 'language'], choices: 'choices' }
  const first = await seal(project, 'evaluation.csv', CSV, { ...COLUMNS, ...options, choices: 'options' })
  const exported = await vaultExport.run(contextOf(project), { suite: 'desk', reason: 'moves' })
  const second = await seal(project, 'evaluation.jsonl', exported.out.text, options)
  const [before, after] = [await readSuite(project, first.suite), await readSuite(project, second.suite)]
  expect(after.items).toEqual(before.items)
})

test('a slice that is a text, an id or nowhere is refused', async () => {
  const project = store.project('bad')
  const line = (index: number) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `question ${index}` },
        { role: 'assistant', content: 'answer' },
      ],
      ticket: index,
      note: 'x'.repeat(65),
      nested: { deep: [1] },
    })
  const lines = Array.from({ length: 101 }, (_, index) => line(index)).join('\n')
  const sealing = (slice: string[]) => seal(project, 'evaluation.jsonl', lines, { slice })
  await expect(sealing(['ticket'])).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/ticket has 101 different values in 101 items/),
  })
  await expect(sealing(['chanel'])).rejects.toMatchObject({ message: expect.stringMatching(/no item has/) })
  await expect(sealing(['note'])).rejects.toMatchObject({ message: expect.stringMatching(/more than 64/) })
  await expect(sealing(['nested'])).rejects.toMatchObject({ message: expect.stringMatching(/no word/) })
  await expect(seal(project, 'evaluation.csv', CSV, { ...COLUMNS, slice: ['chanel'] })).rejects.toMatchObject(
    {
      message: expect.stringMatching(/no column "chanel"/),
    },
  )
  const few = (values: number) =>
    ['text,label,ticket', ...Array.from({ length: 42 }, (_, i) => `q ${i},a,t${i % values}`)].join('\n')
  const small = (values: number) =>
    seal(project, 'evaluation.csv', few(values), { ...COLUMNS, slice: ['ticket'] })
  await expect(small(21)).rejects.toMatchObject({ message: expect.stringMatching(/has 21 different values/) })
  expect((await small(20)).items).toBe(42)
  // What is sealed does not stand in the clear under another name.
  for (const slice of ['text', 'label', 'customer', 'options']) {
    const options = { ...COLUMNS, subject: 'customer', choices: 'options', slice: [slice] }
    await expect(seal(project, 'evaluation.csv', CSV, options)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/cannot be a slice: it is sealed/),
    })
  }
  expect(sealOperation.input.safeParse({ file: {}, as: 'desk', slice: ['a=b'] }).success).toBe(false)
})

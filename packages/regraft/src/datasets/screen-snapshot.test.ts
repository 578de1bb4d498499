import { expect, test } from 'vitest'
import { journaledStore } from '../capture/testing.ts'
import { Config } from '../config/index.ts'
import { inference } from '../store/spec/fixtures.ts'
import type { NewInference, ProjectStore } from '../store/types.ts'
import { buildOperation } from './build.ts'
import type { SnapshotManifest } from './manifest.ts'
import type { ParaphraseMeasurement } from './paraphrase-step.ts'
import { screenAgain } from './screen-again.ts'
import { sealItems } from './vault/index.ts'

const opened = journaledStore()

const LEAK = 'my card was swallowed by the machine at the station and nobody answers the telephone'
const TEXTS = [
  LEAK,
  'where is the parcel that I ordered',
  'the refund has not come',
  'please cancel my contract',
]

/** Labelled rows, one for each text; `answers` are the labels where they are more than a queue. */
async function insert(project: ProjectStore, rows: NewInference[], answers: string[] = []) {
  await project.inferences.insert(rows)
  await project.feedback.insert(
    rows.map(({ id, occurredAt, subject = null }, index) => ({
      ...{ id: id.replace(/^../, 'ff'), inferenceId: id, occurredAt, derivedFrom: [id], subject },
      payload: { type: 'label', value: answers[index] ?? ['cards', 'parcels'][index % 2]!, author: null },
    })),
  )
  return rows
}

interface Item {
  text: string
  expected?: string
  inference?: string
}

async function seal(project: ProjectStore, items: Item[]): Promise<string> {
  const sealed = await sealItems(
    project.keys,
    'desk',
    items.map(({ text, expected = 'cards', inference: held = null }) => {
      return { messages: [{ role: 'user', content: text }], expected, inference: held, subject: null }
    }),
  )
  const value = { name: 'desk', scoring: 'exact-match', items: sealed, leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  await project.aliases.set('suite/desk', digest)
  return digest
}

const contextOf = (project: ProjectStore, config: unknown = {}) =>
  opened.contextOf(project, { config: Config.parse(config) })

async function build(project: ProjectStore, options: object = {}, config: unknown = {}): Promise<string> {
  const input = { embedder: 'none', validation: 0, ...options }
  return (await buildOperation.run(contextOf(project, config), buildOperation.input.parse(input))).snapshot
}

const OLD = { text: 'what does a second card cost' }
const NEW = { text: 'how do I change the name on my account' }

test('rows that hold an added item are named with their rungs, clean ones are counted, and no text leaves', async () => {
  const project = opened.store.project('grown')
  const rows = await insert(
    project,
    TEXTS.map((text) => inference(text)),
  )
  await seal(project, [OLD])
  const snapshot = await build(project)
  const clean = await seal(project, [OLD, NEW])
  const context = contextOf(project)
  const { screening, digest } = await screenAgain(context, snapshot, clean)
  expect(screening).toMatchObject({ snapshot, suite: clean, rows: 4, items: 2, added: 1, found: [] })
  expect(screening.coverage.find(({ rung, text }) => rung === 'equal' && text === 'prompt')).toMatchObject({
    covered: 2,
  })
  expect(screening).not.toHaveProperty('paraphrases')
  const screens = async (suite: string) => await project.vault.queries(suite)
  expect(await screens(clean)).toMatchObject([
    { purpose: 'screen', rows: 4, hits: 0, details: { step: 'screen-snapshot', snapshot } },
  ])
  expect((await screenAgain(context, snapshot, clean)).digest).toBe(digest)
  expect(await screens(clean)).toHaveLength(1)

  // Near copies and other cases count as they do in a build.
  const dirty = await seal(project, [OLD, NEW, { text: `Hello! ${LEAK.toUpperCase()}.` }])
  const leaked = await screenAgain(context, snapshot, dirty)
  expect(leaked.screening).toMatchObject({
    ...{ items: 3, added: 2 },
    found: [
      {
        ...{ inference: rows[0]!.id, reason: 'evaluation-overlap' },
        rungs: expect.arrayContaining(['shared-ngram']),
      },
    ],
  })
  expect(JSON.stringify(leaked.screening)).not.toMatch(/swallowed|account|second/i)
  const execution = await project.executions.makerOf(leaked.digest)
  expect(execution).toMatchObject({
    step: 'datasets/screen-snapshot',
    inputs: [
      { role: 'snapshot', digest: snapshot },
      { role: 'suite', digest: dirty },
    ],
  })
  // What the next build leaves out is what was found.
  const again = await project.artifacts.read<SnapshotManifest>(await build(project))
  expect(again.dropped).toEqual(leaked.screening.found)
})

test('rows that are items now, or were made from one, are found whatever they say', async () => {
  const project = opened.store.project('lineage')
  const rows = TEXTS.map((text) => inference(text))
  rows[2]!.derivedFrom = [rows[3]!.id]
  await insert(project, rows)
  await seal(project, [OLD])
  const snapshot = await build(project)
  const suite = await seal(project, [OLD, { text: 'something else', inference: rows[3]!.id }])
  const { screening } = await screenAgain(contextOf(project), snapshot, suite)
  expect(Object.fromEntries(screening.found.map(({ inference: id, reason }) => [id, reason]))).toEqual({
    [rows[3]!.id]: 'held-out',
    [rows[2]!.id]: 'derived-from-evaluation',
  })
})

test('an answer that was masked is compared as it was', async () => {
  const project = opened.store.project('masked')
  const answer = 'write to Anna at anna.schmidt@example.com or call +49 30 901820 or +49 30 901821 today'
  await insert(
    project,
    TEXTS.map((text) => inference(text)),
    [answer],
  )
  await seal(project, [OLD])
  const snapshot = await build(project, { pii: 'mask' })
  const { rows } = await project.artifacts.read<SnapshotManifest>(snapshot)
  const masked = rows.find(({ pii }) => pii !== undefined)!
  for await (const { payload } of project.examples.select({ ids: [masked.id] })) {
    expect(JSON.stringify(payload)).not.toContain('anna.schmidt')
  }
  const suite = await seal(project, [OLD, { text: 'whom do I ask', expected: answer }])
  const { screening } = await screenAgain(contextOf(project), snapshot, suite)
  expect(screening).toMatchObject({ rows: 4, found: [{ inference: masked.inference }] })
})

test('rows that are gone cannot be screened, and count as seen where they were screened before', async () => {
  const project = opened.store.project('erased')
  const subject = await project.keys.subjectOf('user-7')
  const rows = await insert(
    project,
    TEXTS.map((text, index) => inference(text, index === 1 ? { subject } : {})),
  )
  await seal(project, [OLD])
  const snapshot = await build(project)
  const first = await seal(project, [OLD, NEW])
  const context = contextOf(project)
  const { digest } = await screenAgain(context, snapshot, first)
  await project.keys.destroy(`subject/${subject}`)
  const second = await seal(project, [OLD, NEW, { text: 'why was my card refused in Rome' }])
  await expect(screenAgain(context, snapshot, second)).rejects.toMatchObject({
    ...{ code: 'incompatible', message: expect.stringMatching(/^1 rows of the snapshot are gone/) },
    ...{ hint: expect.stringContaining('train again'), details: { rows: [rows[1]!.id] } },
  })
  expect(await project.vault.queries(second)).toEqual([])
  expect((await screenAgain(context, snapshot, first)).digest).toBe(digest)
})

test('paraphrases are looked for as the build did, by the same embedder, or not at all', async () => {
  const project = opened.store.project('paraphrased')
  const rows = await insert(
    project,
    TEXTS.map((text) => inference(text)),
  )
  await seal(project, [OLD])
  const reworded = { text: 'that parcel I had ordered: where is it?' }
  const settings = { embedder: 'built-in' }
  const counting = await build(project, { ...settings, paraphrase: undefined })
  const dropping = await build(project, { ...settings, paraphrase: 0.4 })
  const none = await build(project)
  const suite = await seal(project, [OLD, reworded])
  const screen = async (snapshot: string) =>
    (await screenAgain(contextOf(project), snapshot, suite)).screening
  expect((await screen(dropping)).found).toMatchObject([
    { inference: rows[1]!.id, reason: 'evaluation-paraphrase', rungs: ['paraphrase'] },
  ])
  expect(await screen(counting)).toMatchObject({
    found: [],
    paraphrases: [{ threshold: 0.8, dropped: false }],
  })
  expect(await screen(none)).not.toHaveProperty('paraphrases')

  const manifest = await project.artifacts.read<SnapshotManifest>(dropping)
  const [{ measurement, ...of }] = manifest.paraphrases as [NonNullable<SnapshotManifest['paraphrases']>[0]]
  const measured = await project.artifacts.read<ParaphraseMeasurement>(measurement)
  const value = { ...measured, embedder: { ...measured.embedder, digest: `sha256:${'ab'.repeat(32)}` } }
  const other = await project.artifacts.put({ kind: 'measurement', schemaVersion: 1, value })
  const changed = { ...manifest, paraphrases: [{ ...of, measurement: other.digest }] }
  const { digest } = await project.artifacts.put({ kind: 'snapshot', schemaVersion: 2, value: changed })
  await expect(screen(digest)).rejects.toMatchObject({
    ...{
      code: 'incompatible',
      message: expect.stringContaining("the embedder 'built-in' is another one now"),
    },
  })
})

test('screening again counts against the budget of the suite', async () => {
  const project = opened.store.project('budget')
  await insert(
    project,
    TEXTS.map((text) => inference(text)),
  )
  await seal(project, [OLD])
  const config = { vault: { screens: 1 } }
  const snapshot = await build(project, {}, config)
  const suite = await seal(project, [OLD, NEW])
  await expect(screenAgain(contextOf(project, config), snapshot, suite)).rejects.toMatchObject({
    ...{ code: 'forbidden', message: expect.stringContaining('screened against 1 times') },
  })
})

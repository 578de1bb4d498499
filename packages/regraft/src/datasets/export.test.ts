import { afterAll, beforeAll, expect, test } from 'vitest'
import { importOperation } from '../capture/index.ts'
import { exportOperation } from './export.ts'
import type { ExportRecord } from './export-step.ts'
import {
  build,
  examplesOf,
  exported,
  newProject,
  openDesk,
  roundTrip,
  type Said,
  traffic,
} from './fixtures/round-trip.ts'

let close: () => Promise<void>
beforeAll(async () => {
  close = await openDesk()
})
afterAll(() => close())

const author = null
const SAID: Said[] = [
  [{ type: 'label', value: 'right', author }],
  [{ type: 'correction', value: 'corrected answer', author }],
  [{ type: 'edit', value: 'an edited text of quite another kind', author }],
  [{ type: 'edit', value: 'given!', author }],
  [{ type: 'accept', author }],
  [{ type: 'thumbs', value: 1, author }],
  [{ type: 'copy', author }],
  [{ type: 'thumbs', value: -1, author }],
  [{ type: 'abandon', author }],
  [{ type: 'rephrase', author }],
  [
    { type: 'accept', author: 'ada' },
    { type: 'thumbs', value: 1, author: 'grace' },
  ],
]

test.each([
  ['demonstrations', 'openai', 7],
  ['preferences', 'trl', 5],
  ['desirability', 'kto', 14],
  ['desirability', 'parquet', 14],
] as const)(
  '%s come back from %s with texts, weights, signals, users, sources and consent',
  async (kind, format, least) => {
    const { project, context } = await newProject()
    const rows = SAID.map((said, index) => ({
      text: `question number ${index}: naïve 😀`,
      answer: 'given',
      said,
    }))
    const candidates = ['first', 'second', 'third'].map((content) => ({ content, finishReason: null }))
    const vote: Said = [
      { type: 'vote', value: 'lose', other: { candidate: 1 }, author },
      { type: 'vote', value: 'win', candidate: 2, other: { candidate: 0 }, author },
      { type: 'thumbs', value: -1, candidate: 0, author },
      { type: 'accept', candidate: 1, author },
    ]
    await traffic(project, [
      ...rows,
      { text: 'a question with three answers', answer: 'first', said: vote, more: { candidates } },
    ])
    const { original, rebuilt } = await roundTrip(context, kind, format)
    expect(original.examples.length).toBeGreaterThanOrEqual(least)
    expect(rebuilt).toEqual(original)
  },
)

test('what a calibration or weighing gave comes back, and a licence and a consent of a file', async () => {
  const { project, context } = await newProject()
  const csv = 'text,label\nwhere is my card,cards\nrefund please,refunds\nit is late,parcels\n'
  const { digest } = await project.blobs.put(Buffer.from(csv))
  const file = { file: { digest, name: 'a.csv' }, text: 'text', label: 'label' }
  await importOperation.run(
    context,
    importOperation.input.parse({ ...file, consent: 'terms, section 4', licence: 'CC BY 4.0' }),
  )
  await traffic(
    project,
    [0.1, 0.5, 1].map((propensity, index) => ({
      text: `weighed question ${index}`,
      answer: 'given',
      said: [{ type: 'thumbs', value: index === 1 ? -1 : 1, author }] as Said,
      more: { propensity },
    })),
  )
  const { original, rebuilt } = await roundTrip(context, 'desirability', 'kto', { weights: 'propensity' })
  expect(new Set(original.examples.map(({ weight }) => weight)).size).toBeGreaterThan(2)
  expect(original.sources).toMatchObject([
    { source: `import:${digest}`, rows: 3, consent: 'terms, section 4', licence: 'CC BY 4.0' },
    { rows: 3, consent: 'by contract', licence: null },
  ])
  // Rows of one time are split by their ids, which are new ones.
  const unsplit = (all: typeof original) => ({
    ...all,
    examples: all.examples.map(({ split: _, ...example }) => example),
  })
  expect(unsplit(rebuilt)).toEqual(unsplit(original))
})

test('a file of pairs of another project, and both kinds of one inference, go into one empty project', async () => {
  const { project, context } = await newProject()
  await traffic(project, [
    { text: 'where is it', answer: 'lost', said: [{ type: 'label', value: 'late', author }] },
  ])
  const target = await newProject()
  for (const [kind, format] of [
    ['demonstrations', 'openai'],
    ['preferences', 'trl'],
  ] as const) {
    const { snapshot } = await build(context, kind)
    const { out } = await exported(context, snapshot, format)
    const { digest } = await target.project.blobs.put(await project.blobs.read(out.digest))
    const file = { digest, name: out.name }
    expect(await importOperation.run(target.context, importOperation.input.parse({ file }))).toMatchObject({
      inferences: 1,
    })
  }
  const { manifest } = await build(target.context, 'preferences')
  const { examples } = await examplesOf(target.project, manifest)
  expect(examples.map(({ payload }) => payload)).toMatchObject([{ chosen: 'late', rejected: 'lost' }])
})

test('an export is recorded with who took it, and rows of an erased user are missing and counted', async () => {
  const { project, context } = await newProject()
  const rows = Array.from({ length: 9 }, (_, index) => {
    return { text: `question ${index}`, answer: 'a', said: [{ type: 'accept', author }] as Said }
  })
  await traffic(project, rows)
  const { snapshot } = await build(context, 'demonstrations', { validation: 0.34 })
  const whole = await exported(context, snapshot, 'openai')
  expect(whole).toMatchObject({ rows: 9, missing: 0, subjects: 2, kind: 'demonstrations' })
  const record = await project.artifacts.read<ExportRecord>(whole.record)
  const subjects = [await project.keys.subjectOf('user-0'), await project.keys.subjectOf('user-1')].sort()
  expect(record).toMatchObject({
    measure: 'export',
    snapshot,
    principal: 'ada',
    subjects,
    file: { digest: whole.out.digest },
  })
  const [execution] = await project.executions.producing(whole.record)
  expect(execution).toMatchObject({
    step: 'datasets/export',
    determinism: 'external',
    inputs: [{ digest: snapshot }],
  })
  expect(await exported(context, snapshot, 'openai', 'validation')).toMatchObject({ rows: 3 })

  await project.keys.destroy(`subject/${subjects[0]!}`)
  const left = await exported(context, snapshot, 'openai')
  expect(left.rows + left.missing).toBe(9)
  expect(left.missing).toBeGreaterThan(0)
  expect(exportOperation.render!(exportOperation.output.parse(left), { colour: false, width: 80 })).toContain(
    `${left.missing} rows are missing: their end user was erased`,
  )
})

test('canaries are exported, and an import passes them over', async () => {
  const { project, context } = await newProject()
  await traffic(project, [{ text: 'a question', answer: 'an answer', said: [{ type: 'accept', author }] }])
  const { snapshot } = await build(context, 'demonstrations', { canaries: 2, validation: 0 })
  const { out, canaries, rows } = await exported(context, snapshot, 'openai')
  expect({ canaries, rows }).toEqual({ canaries: 2, rows: 3 })
  const target = await newProject()
  const { digest } = await target.project.blobs.put(await project.blobs.read(out.digest))
  expect(
    await importOperation.run(
      target.context,
      importOperation.input.parse({ file: { digest, name: out.name } }),
    ),
  ).toMatchObject({ inferences: 1, passed: { 'canaries of a snapshot': 2 } })
})

test('a kind that a format cannot hold and an artifact that is no snapshot are refused with what fits', async () => {
  const { project, context } = await newProject()
  await traffic(project, [{ text: 'a question', answer: 'an answer', said: [{ type: 'accept', author }] }])
  const { snapshot, manifest } = await build(context, 'demonstrations')
  await expect(exported(context, snapshot, 'trl')).rejects.toMatchObject({
    code: 'invalid-input',
    message: 'a snapshot of demonstrations cannot be written as trl',
    hint: '--format openai or --format parquet; or build another: regraft datasets build --for preferences',
  })
  await expect(exported(context, manifest.suite, 'openai')).rejects.toThrow('is a suite, not a snapshot')
})

test('a damaged note rejects its row', async () => {
  const { project, context } = await newProject()
  await traffic(project, [{ text: 'a question', answer: 'an answer', said: [{ type: 'accept', author }] }])
  const { snapshot } = await build(context, 'demonstrations')
  const { out } = await exported(context, snapshot, 'openai')
  const row = JSON.parse(Buffer.from(await project.blobs.read(out.digest)).toString('utf8'))
  const changes = [{}, { signal: 'guess' }, { kind: 'preferences' }]
  const lines = changes.map((change) => JSON.stringify({ ...row, regraft: { ...row.regraft, ...change } }))
  const target = await newProject()
  const { digest } = await target.project.blobs.put(Buffer.from(lines.join('\n')))
  const file = { digest, name: 'x.jsonl' }
  const imported = await importOperation.run(target.context, importOperation.input.parse({ file }))
  expect(imported.rejected).toEqual([
    { line: 2, reason: expect.stringMatching(/no export has written: signal/) },
    { line: 3, reason: expect.stringMatching(/of the kind preferences by its member "regraft"/) },
  ])
  expect(imported.inferences).toBe(1)
})

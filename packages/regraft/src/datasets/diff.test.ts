import { expect, test } from 'vitest'
import { journaledStore } from '../capture/testing.ts'
import { inference } from '../store/spec/fixtures.ts'
import type { FeedbackPayload } from '../store/types.ts'
import { buildOperation } from './build.ts'
import { diffOperation } from './diff.ts'
import { diffSnapshots } from './diff-snapshots.ts'
import type { SnapshotManifest, SnapshotRow } from './manifest.ts'
import { sealOperation } from './seal.ts'

const row = (inferenceId: string, changes: Partial<SnapshotRow> = {}): SnapshotRow => ({
  id: `e-${inferenceId}`,
  digest: `d-${inferenceId}`,
  split: 'train',
  signal: 'label',
  inference: inferenceId,
  feedback: [],
  source: 'serving',
  occurredAt: '2026-03-01T00:00:00.000Z',
  ...changes,
})
const manifest = (rows: SnapshotRow[], changes: Partial<SnapshotManifest> = {}): SnapshotManifest => ({
  task: null,
  consent: 'by contract',
  suite: 'sha256:s',
  splitBy: 'time',
  rows,
  dropped: [],
  coverage: [{ rung: 'containment', words: 8, covered: 5, tooShort: 2 }],
  ...changes,
})

test('a snapshot does not differ from itself', () => {
  const a = manifest([row('1'), row('2')])
  expect(diffSnapshots(a, structuredClone(a), () => false)).toMatchObject({
    ...{ added: [], removed: [], changed: [], unchanged: 2, newlyDropped: {}, facts: [] },
  })
})

test('rows that came, went and changed are told with what changed and why', () => {
  const a = manifest([row('1'), row('2'), row('3'), row('4'), row('5'), row('6', { source: 'trace' })])
  const b = manifest(
    [
      row('1', { split: 'validation' }),
      row('2', { id: 'e-other', digest: 'd-other', signal: 'edit' }),
      row('3', { id: 'e-weighed', digest: 'd-weighed', weight: 2 }),
      row('4'),
      row('7', { source: 'import:sha256:aa:4' as SnapshotRow['source'] }),
    ],
    {
      dropped: [
        { inference: '5', source: 'serving', reason: 'evaluation-overlap', of: 'item' },
        { inference: '9', source: 'serving', reason: 'no-signal' },
      ],
      ...{ suite: 'sha256:t', consent: null },
      coverage: [{ rung: 'containment', words: 8, covered: 7, tooShort: 0 }],
    },
  )
  const diff = diffSnapshots(a, b, (before) => before.inference === '3')
  expect(diff.added.map((each) => each.inference)).toEqual(['7'])
  expect(diff.removed.map(({ row: { inference: id }, reason }) => [id, reason])).toEqual([
    ['5', 'evaluation-overlap'],
    ['6', null],
  ])
  expect(diff.changed.map(({ a: { inference: id }, changes }) => [id, changes])).toEqual([
    ['1', ['split']],
    ['2', ['answer', 'signal']],
    ['3', ['weight']],
  ])
  expect(diff.unchanged).toBe(1)
  expect(diff.newlyDropped).toEqual({ 'evaluation-overlap': 1, 'no-signal': 1 })
  expect(diff.signals).toEqual({ edit: { a: 0, b: 1 }, label: { a: 6, b: 4 } })
  expect(diff.sources).toEqual({
    'import:sha256:aa': { a: 0, b: 1 },
    serving: { a: 5, b: 4 },
    trace: { a: 1, b: 0 },
  })
  expect(diff.facts).toEqual([
    { name: 'consent', a: 'by contract', b: 'none' },
    { name: 'suite', a: 'sha256:s', b: 'sha256:t' },
    { name: 'items that the rung containment covers', a: '5 of 7', b: '7 of 7' },
  ])
})

test('of several examples of one inference the same ones are paired, the others in their order', () => {
  const pair = (id: string, digest = id) => row('1', { id, digest })
  const diff = diffSnapshots(
    manifest([pair('x'), pair('y')]),
    manifest([pair('y'), pair('z'), pair('w')]),
    () => false,
  )
  expect(diff.changed.map(({ a, b }) => [a.id, b.id])).toEqual([['x', 'z']])
  expect(diff.added.map(({ id }) => id)).toEqual(['w'])
  expect(diff.unchanged).toBe(1)
})

const opened = journaledStore()

test('two builds are compared: a new answer, a new row, no text', async () => {
  const project = opened.store.project('diff')
  const context = opened.contextOf(project)
  const { digest } = await project.blobs.put(Buffer.from('text,label\nsome sealed question 4711,yes\n'))
  const sealed = { file: { digest, name: 'suite.csv' }, as: 'sealed', text: 'text', label: 'label' }
  await sealOperation.run(context, sealOperation.input.parse(sealed))
  const rows = ['where is it', 'refund me', 'cancel it'].map((text, day) =>
    inference(text, { occurredAt: new Date(Date.UTC(2026, 2, 1 + day)) }),
  )
  await project.inferences.insert(rows.slice(0, 2))
  const said = (index: number, value: string, day: number) => {
    const payload: FeedbackPayload = { type: 'label', value, author: null }
    const { id } = rows[index]!
    const own = id.replace(/^../, (20 + day).toString(16))
    return {
      id: own,
      inferenceId: id,
      occurredAt: new Date(Date.UTC(2026, 3, day)),
      derivedFrom: [id],
      payload,
    }
  }
  await project.feedback.insert([said(0, 'parcels', 1), said(1, 'refunds', 2)])
  const build = async () => {
    const input = buildOperation.input.parse({ embedder: 'none', validation: 0, consent: 'by contract' })
    return (await buildOperation.run(context, input)).snapshot
  }
  const first = await build()
  await project.inferences.insert(rows.slice(2))
  await project.feedback.insert([said(0, 'lost parcels', 3), said(2, 'contracts', 4)])
  const second = await build()

  const output = await diffOperation.run(context, diffOperation.input.parse({ a: first.slice(7, 19) }))
  expect(output).toMatchObject({
    ...{ a: { snapshot: first, train: 2 }, b: { snapshot: second, train: 3 } },
    ...{ added: 1, removed: 0, changed: 1, unchanged: 1, changes: { answer: 1 }, facts: [] },
    rows: { added: [{ inference: rows[2]!.id }], changed: [{ inference: rows[0]!.id, changes: ['answer'] }] },
  })
  const text = diffOperation.render!(diffOperation.output.parse(output), { colour: false, width: 80 })
  expect(text).toContain('1 added, 0 removed, 1 changed, 1 as before')
  expect(text).toContain('signal label: 2 → 3')
  expect(JSON.stringify(output) + text).not.toMatch(/parcels|cancel/)
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestStore } from '../../store/testing.ts'
import { contextOf, HOSTILE, judgedProject } from '../fixtures/judged-project.ts'
import type { GateRecord } from '../gate-record.ts'
import { readMeasurement } from '../measurement.ts'
import { reportOperation } from './report.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const ask = (input: object) => reportOperation.input.parse(input)

test('a report has outcome, intervals with their limits, slices, scores, evidence and the command, and opens no item', async () => {
  const project = store.project('report')
  const { verdict, suite } = await judgedProject(project)
  const context = contextOf(project, ['read'])
  const { out, ...report } = await reportOperation.run(context, ask({ verdict }))
  expect(report.verdict.outcome).toBe('fail')
  expect(report.scores.map(({ model, n }) => [model.split(' ')[0], n])).toEqual([
    ['candidate', 600],
    ['base', 600],
    ['adapter', 600],
  ])
  const { text } = out
  expect(text.match(/<svg /g)).toHaveLength(2)
  expect(text).toContain('limit −2.0 %')
  expect(text).toMatch(/channel=phone[^<]*<\/text>/)
  expect(text).toContain('✕ regressed')
  expect(text).toContain('9 evaluation-overlap')
  for (const digest of report.verdict.evidence.filter((each) => each.startsWith('sha256:')))
    expect(text).toContain(digest)
  expect(text).toContain('regraft gates check 7e57f335e8dc')
  // One file: nothing is fetched, nothing runs.
  expect(text).not.toMatch(/<(script|link|img|iframe|object)\b|\b(src|href)=|@import|url\(/i)
  expect(text).not.toContain('Where is parcel')
  expect(await project.vault.queries(suite)).toEqual([])
  expect(await project.vault.burns(suite)).toEqual([])
  expect(
    reportOperation.render!({ ...report, out: { ...out, text: '' } }, { colour: false, width: 80 }),
  ).toMatch(/^FAIL/)
})

test('a report says that rows were screened again where the suite has grown', async () => {
  const project = store.project('grown')
  const { verdict, suite } = await judgedProject(project)
  const screening = { measures: 'snapshot-screening', suite, rows: 900, items: 1200, added: 600, found: [] }
  const { digest } = await project.artifacts.put({ kind: 'measurement', schemaVersion: 1, value: screening })
  const record = await project.artifacts.read<GateRecord>(verdict)
  const value = { ...record, verdict: { ...record.verdict, evidence: [...record.verdict.evidence, digest] } }
  const grown = await project.artifacts.put({ kind: 'verdict', schemaVersion: 2, value })
  const { out } = await reportOperation.run(contextOf(project, ['read']), ask({ verdict: grown.digest }))
  expect(out.text).toMatch(/has grown since: 900 rows were compared with its 1.?200 items, 600 of them new/)
  expect(out.text).toContain('measurement: snapshot-screening')
})

test('items are shown side by side, lost ones first, escaped, and are burned and logged before', async () => {
  const project = store.project('items')
  const { verdict, suite } = await judgedProject(project)
  const { out, burned, scores } = await reportOperation.run(
    contextOf(project),
    ask({ verdict, items: 5, reason: 'for the board' }),
  )
  expect(burned).toHaveLength(5)
  expect(scores).toHaveLength(3)
  const burns = await project.vault.burns(suite)
  expect(burns.map(({ item }) => item).sort()).toEqual(burned.map(({ item }) => item).sort())
  const queries = await project.vault.queries(suite)
  expect(queries.map(({ purpose, principal, details }) => [purpose, principal, details.reason])).toEqual(
    burned.map(() => ['show', 'ada', 'for the board']),
  )
  // Of the items that are shown the candidate lost all: others were answered differently too.
  const record = await project.artifacts.read<{ candidate: string }>(verdict)
  const { items } = await readMeasurement(project, record.candidate)
  const shown = burned.map(({ item }) => items.find(({ id }) => id === item)!)
  expect(shown.every(({ correct }) => !correct)).toBe(true)
  expect(shown.some(({ answer }) => answer === HOSTILE)).toBe(true)
  expect(out.text).not.toContain('<script')
  expect(out.text).toContain('&lt;script&gt;')
  expect(out.text).toContain('I paid for it &amp; it is &lt;late&gt;.')
  expect(out.text).toContain('no later evaluation counts them')
})

test('items need the scope admin, and nothing is burned without it; what is no verdict is refused by name', async () => {
  const project = store.project('refused')
  const { verdict, suite } = await judgedProject(project, 60)
  const asked = reportOperation.run(contextOf(project, ['read']), ask({ verdict, items: 3 }))
  await expect(asked).rejects.toMatchObject({ code: 'forbidden' })
  expect(await project.vault.burns(suite)).toEqual([])
  const other = reportOperation.run(contextOf(project), ask({ verdict: suite }))
  await expect(other).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining('is a suite'),
  })
  expect(reportOperation.confirm!(ask({ verdict }))).toBe(null)
  expect(reportOperation.confirm!(ask({ verdict, items: 3 }))).toContain('up to 3 sealed items')
})

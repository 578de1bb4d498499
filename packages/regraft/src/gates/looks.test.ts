import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEFAULT_REQUIREMENTS, Requirement } from '../config/index.ts'
import type { SnapshotScreening } from '../datasets/index.ts'
import { runStep } from '../lineage/index.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { answered } from './fixtures/evidence.ts'
import { type GateRecord, readGateRecord } from './gate-record.ts'
import { judgeGate } from './judge.ts'
import { countLooks } from './looks.ts'
import type { MeasuredItem, SuiteMeasurement } from './measurement.ts'
import { earlierRole } from './requirements/index.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const ADAPTER = 'sha256:adapter'
const requirements = DEFAULT_REQUIREMENTS.map((requirement) => Requirement.parse(requirement))

async function measured(
  project: ProjectStore,
  adapter: string | null,
  items: MeasuredItem[],
): Promise<string> {
  const value: SuiteMeasurement = {
    ...{ measures: 'suite-scores', suite: 'sha256:desk', base: 'sha256:base', adapter },
    ...{ scorer: { kind: 'label-match' }, maxTokens: 8, items },
  }
  return (await project.artifacts.put({ kind: 'measurement', schemaVersion: 2, value })).digest
}

/** A gate on the first n items, as `gates check` has it judged. */
async function gate(
  project: ProjectStore,
  n: number,
  settings: { sequential?: boolean; margin?: number; screening?: SnapshotScreening } = {},
) {
  const { sequential = false, margin = 0.02, screening } = settings
  const screened =
    screening && (await project.artifacts.put({ kind: 'measurement', schemaVersion: 1, value: screening }))
  const thresholds = { alpha: 0.05, margin, gap: 0.05 }
  const candidate = await measured(
    project,
    ADAPTER,
    answered(n, (i) => i % 10 > 0),
  )
  const base = await measured(
    project,
    null,
    answered(n, (i) => i % 2 > 0),
  )
  const { look, earlier, spent, changed } = await countLooks(project, ADAPTER, {
    ...{ measured: { desk: candidate }, requirements, thresholds, sequential },
  })
  const { digest } = await runStep({ project }, judgeGate, {
    inputs: [
      { role: 'scores:candidate:desk', digest: candidate },
      { role: 'scores:base:desk', digest: base },
      ...earlier.map(({ suite, digest: seen }) => ({ role: earlierRole(suite), digest: seen })),
      ...(screened ? [{ role: 'screening:candidate:desk', digest: screened.digest }] : []),
    ],
    parameters: {
      ...{ requirements, thresholds, sequential, look, spent, changed },
      scope: { suite: 'desk', fresh: null, hasIncumbent: false },
      suites: { desk: 'sha256:desk' },
      names: { candidate: 'adapter a', base: 'base nano', incumbent: null },
      rerun: 'regraft gates check a',
    },
  })
  const record = await readGateRecord(project, digest('verdict'))
  return { look, earlier: earlier.length, changed, verdict: record.verdict }
}

test('a gate is judged once: the same items again are no further look, and more items cannot pass what was not declared', async () => {
  const project = store.project('once')
  expect(await gate(project, 100)).toMatchObject({ look: 1, earlier: 0, verdict: { outcome: 'pass' } })
  expect(await gate(project, 100)).toMatchObject({ look: 1, earlier: 0, verdict: { outcome: 'pass' } })
  // An item that was burned since brings nothing new.
  expect(await gate(project, 99)).toMatchObject({ look: 1, verdict: { outcome: 'pass' } })
  const grown = await gate(project, 160)
  expect(grown).toMatchObject({ look: 2, earlier: 1, verdict: { outcome: 'cannot-tell' } })
  expect(grown.verdict.reason).toMatch(/the error was spent at the first/)
  // Declaring it afterwards does not give it back.
  expect((await gate(project, 160, { sequential: true })).verdict.outcome).toBe('cannot-tell')
})

test('a gate that was declared to be repeated passes at a later look, in the order in which items came', async () => {
  const project = store.project('often')
  expect(await gate(project, 10, { sequential: true })).toMatchObject({
    look: 1,
    verdict: { outcome: 'cannot-tell' },
  })
  const later = await gate(project, 160, { sequential: true })
  expect(later).toMatchObject({ look: 2, earlier: 1, verdict: { outcome: 'pass' } })
  expect(later.verdict.reason).toMatch(/look 2 of a gate that may be judged repeatedly/)
  expect(later.verdict.parts![0]!.interval!.method).toMatch(/at all looks together/)
})

test('a later look on a suite that has grown carries the screening, and never passes with rows that hold items', async () => {
  const project = store.project('grown')
  const screening: SnapshotScreening = {
    ...{ measures: 'snapshot-screening', snapshot: 'sha256:s', suite: 'sha256:desk' },
    ...{ rows: 80, items: 160, added: 150, found: [], coverage: [] },
  }
  await gate(project, 10, { sequential: true })
  const clean = await gate(project, 160, { sequential: true, screening })
  expect(clean).toMatchObject({ look: 2, verdict: { outcome: 'pass' } })
  expect(clean.verdict.reason).toMatch(/^1 requirement, /)
  const part = clean.verdict.parts!.at(-1)!
  expect(part).toMatchObject({ outcome: 'pass', title: 'learned from nothing that was added to desk', n: 80 })
  expect(clean.verdict.evidence).toContain(part.evidence[0])
  const found: SnapshotScreening['found'] = [
    { inference: 'row', source: 'serving', reason: 'evaluation-overlap', of: 'item', rungs: ['equal'] },
  ]
  const leaked = await gate(project, 160, { sequential: true, screening: { ...screening, found } })
  expect(leaked.verdict.outcome).toBe('fail')
})

test('a margin that is changed after a look is said', async () => {
  const project = store.project('changed')
  expect((await gate(project, 100)).changed).toBe(false)
  const again = await gate(project, 100, { margin: 0.1 })
  expect(again.changed).toBe(true)
  expect(again.verdict.reason).toMatch(/judged before with other requirements/)
})

test('a gate of version 1 counts as a look, and names its measurement in the evidence', async () => {
  const project = store.project('first')
  const candidate = await measured(
    project,
    ADAPTER,
    answered(50, () => true),
  )
  const verdict: GateRecord['verdict'] = {
    ...{
      outcome: 'pass',
      title: 'gate of adapter a',
      reason: '',
      n: 50,
      evidence: [candidate, 'sha256:b'],
      rerun: '',
    },
  }
  const value = { adapter: ADAPTER, suite: 'sha256:gone', verdict }
  const { digest } = await project.artifacts.put({ kind: 'verdict', schemaVersion: 1, value })
  const record = await readGateRecord(project, digest)
  expect(record).toMatchObject({
    candidate,
    measured: { 'sha256:gone': candidate },
    look: 1,
    sequential: false,
  })
  const now = await measured(
    project,
    ADAPTER,
    answered(80, () => true),
  )
  const thresholds = { alpha: 0.05, margin: 0.02, gap: 0.05 }
  const looks = await countLooks(project, ADAPTER, {
    ...{ measured: { 'sha256:gone': now }, requirements, thresholds, sequential: false },
  })
  expect(looks).toMatchObject({ look: 2, spent: true, changed: false })
})

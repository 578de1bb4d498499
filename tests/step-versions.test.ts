// Step versions are honest: what a step makes of a fixed input is pinned with its version. When one of these fails, the
// output has changed: raise the step's version, then write the new pair here.
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../packages/engine/src/formats/pico-base.ts'
import { picoRecipe } from '../packages/engine/src/training/pico-recipe.ts'
import { loadConfig } from '../packages/regraft/src/config/index.ts'
import { buildSnapshot } from '../packages/regraft/src/datasets/build-snapshot.ts'
import type { SnapshotManifest } from '../packages/regraft/src/datasets/index.ts'
import {
  describeTools,
  measureParaphrases,
  type ParaphraseMeasurement,
} from '../packages/regraft/src/datasets/paraphrase-step.ts'
import { type SnapshotScreening, screenSnapshot } from '../packages/regraft/src/datasets/screen-snapshot.ts'
import { holdOutSuite, sealSuite } from '../packages/regraft/src/datasets/suite-steps.ts'
import { judgeRebuild, type RebuildRecord } from '../packages/regraft/src/fleet/judge-rebuild.ts'
import { judgeMove, type MoveRecord } from '../packages/regraft/src/fleet/migrate/judge-move.ts'
import { judgeExposure } from '../packages/regraft/src/gates/exposure-steps.ts'
import { judgeGate } from '../packages/regraft/src/gates/judge.ts'
import { judgeGap } from '../packages/regraft/src/gates/judge-gap.ts'
import { judgeParity } from '../packages/regraft/src/gates/judge-parity.ts'
import { makeSelection } from '../packages/regraft/src/lineage/index.ts'
import { stepFixture } from '../packages/regraft/src/lineage/step-fixture.ts'
import { recordBase, requireEmbedder } from '../packages/regraft/src/models/index.ts'
import { auditSignals, calibrateSignals } from '../packages/regraft/src/signals/index.ts'
import type { FeedbackPayload, Message, ProjectStore } from '../packages/regraft/src/store/index.ts'
import { inference } from '../packages/regraft/src/store/spec/fixtures.ts'
import { openTestStore } from '../packages/regraft/src/store/testing.ts'
import { type RunRecord, trainAdapter } from '../packages/regraft/src/training/index.ts'

const PINNED = [
  'datasets/build-snapshot',
  'datasets/find-paraphrases',
  'datasets/hold-out-suite',
  'datasets/screen-snapshot',
  'datasets/seal-suite',
  'fleet/judge-move',
  'fleet/judge-rebuild',
  'gates/judge',
  'gates/judge-gap',
  'gates/judge-exposure',
  'gates/judge-parity',
  'signals/audit',
  'signals/calibrate',
  'training/lora',
]
/** Why the output of these is not pinned here. */
const UNPINNED: Record<string, string> = {
  import: 'external: rows from outside',
  'datasets/export': 'external: a file that leaves',
  'datasets/plan-erasure': 'external: what a data directory holds at a moment',
  'datasets/erase-subject': 'external: what it does cannot be done twice; erase.test.ts',
  'datasets/ask-for-paraphrases': 'external: vectors of an endpoint, words of a judge',
  'fleet/adopt': 'external: an adapter from outside',
  'fleet/register': 'external: the time of a registration',
  'fleet/collect-prompts': 'external: rows as they are at a moment; tests/journeys/moves.test.ts',
  'fleet/label-prompts': 'external: answers become rows; tests/kill/rescue.test.ts',
  'fleet/synthesise-prompts': 'external: as above; tests/journeys/moves.test.ts',
  'fleet/measure-agreement': 'answers of an engine, as below',
  'models/ask-for-models': 'external: what a provider lists; tests/hosted-bases.test.ts',
  'models/take-fingerprint': 'external: what a hosted model answers; tests/hosted-bases.test.ts',
  'gates/measure-exposure': 'scores of an engine, as below; tests/journeys/canaries.test.ts checks them',
  'gates/evaluate-suite': 'answers of an engine, whose floating point differs between processors',
  'gates/form-distance': 'distributions of an engine, as above; tests/journeys/parity.test.ts checks them',
  'models/adapter-effect': 'scores of an engine, as above; compatibility.test.ts checks them',
  'gates/score-references': 'scores of an engine, as above; gates/measure.test.ts checks them',
  'gates/measure-latency': 'external: times of a machine',
  'gates/judge-answers': 'external: grades of a judge; gates/judged.test.ts checks them',
  'gates/judge-pairs': 'external: words of a judge, as above',
  'training/reference-log-probabilities':
    'scores of an engine, as above; tests/journeys/losses.test.ts checks them',
}

let store: Awaited<ReturnType<typeof openTestStore>>
const folder = mkdtempSync(join(tmpdir(), 'regraft-steps-'))
let projects = 0
const newProject = () => store.project(`steps-${++projects}`)
const ACCESS = { principal: 'local', budget: { evaluations: 1, screens: 1 } }

/** Sealed items follow from the keys of a project: a key that is known makes them known. */
function withKey(project: ProjectStore, name: string): ProjectStore {
  const path = join(store.dataDirectory, 'keys', project.projectId, `${name}.key`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, Buffer.alloc(32, 7))
  return project
}

beforeAll(async () => {
  store = await openTestStore()
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('every step is pinned here, or said why not', () => {
  const names = globSync('packages/regraft/src/**/*.ts', { cwd: join(import.meta.dirname, '..') })
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => [...readFileSync(join(import.meta.dirname, '..', path), 'utf8').matchAll(DEFINED)])
    .map(([, name]) => name!)
  expect(names.sort()).toEqual([...PINNED, ...Object.keys(UNPINNED)].sort())
})
const DEFINED = /defineStep(?:<\w+>)?\(\{\s*name: '([^']+)'/g

const id = (kind: string, number: number) =>
  `01981f3e-5a30-7cc4-9c2b-${kind}${String(number).padStart(12 - kind.length, '0')}`

/** Ten days of traffic with feedback: repeats, contradictions, a row of another task, one without any signal. */
async function traffic(project: ProjectStore) {
  const texts = [
    'where is my card, it should have come on Monday already',
    'my card has not come',
    'MY CARD has not come!',
    'the parcel is late and nobody answers the telephone since last week',
    'refund please',
    'refund, and please a letter that says so for my books this year',
    'the transfer failed twice today and the money is gone from my account',
    'another task',
    'no word about this',
    'cancel it',
  ]
  const day = (index: number) => new Date(Date.UTC(2026, 2, 1 + index, 12))
  const base = inference('').payload
  await project.inferences.insert(
    texts.map((text, index) => ({
      id: id('a', index),
      occurredAt: day(index),
      payload: {
        ...base,
        messages: [
          { role: 'system', content: 'Route it.' },
          { role: 'user', content: text },
        ],
        response: ['cards', 'parcels', 'refunds'][index % 3]!,
        route: index === 7 ? 'other' : 'desk',
      },
    })),
  )
  const author = 'ada'
  const signals: [number, FeedbackPayload][] = [
    [0, { type: 'accept', author }],
    [1, { type: 'correction', value: 'cards', author }],
    [2, { type: 'thumbs', value: 1, author }],
    [3, { type: 'edit', value: 'parcels ', author: null }],
    [4, { type: 'thumbs', value: -1, author }],
    [5, { type: 'label', value: 'refunds', author }],
    [6, { type: 'accept', author }],
    [6, { type: 'thumbs', value: -1, author: 'grace' }],
    [7, { type: 'accept', author }],
    [9, { type: 'correction', value: 'contracts', author }],
    [1, { type: 'judgement', value: 'wrong', author }],
    [2, { type: 'judgement', value: 'right', author }],
  ]
  await project.feedback.insert(
    signals.map(([about, payload], index) => {
      return { id: id('b', index), inferenceId: id('a', about), occurredAt: day(about), payload }
    }),
  )
  const selection = async (table: 'inferences' | 'feedback') => {
    const { selection: value } = await makeSelection(project, table)
    return { role: table, kind: 'selection' as const, schemaVersion: 1, value }
  }
  return [await selection('inferences'), await selection('feedback')]
}

/** The traffic and a suite of one item, which two of its rows resemble. */
async function screened(project: ProjectStore) {
  const item = {
    id: 'aaaaaaaaaaaaaaaa',
    messages: [
      { role: 'user', content: 'The parcel is late and nobody answers the telephone since last week.' },
    ],
    expected: 'parcels',
    inference: null,
  }
  const value = { name: 'desk', scoring: 'exact-match', items: [item], leftOut: [] }
  return [...(await traffic(project)), { role: 'suite', kind: 'suite' as const, schemaVersion: 1, value }]
}

test('datasets/build-snapshot', async () => {
  const project = newProject()
  const inputs = await screened(project)
  const parameters = { task: 'desk', consent: 'by contract', validation: 0.25 }
  expect(await stepFixture(project, buildSnapshot(ACCESS), { inputs, parameters, seed: 1 })).toEqual({
    version: 6,
    digest: 'sha256:ff2d6d9730fb67942c0198729c7d996b029461b81eb6f672d46e85fa7ea9e7af',
  })
  // A fixture that left rows out for no reason, or for few, would pin little.
  const [snapshot] = await project.artifacts.list('snapshot')
  const { rows, dropped } = await project.artifacts.read<SnapshotManifest>(snapshot!.digest)
  expect(rows.map(({ split, signal }) => `${split} ${signal}`)).toEqual([
    'train accept',
    'train correction',
    'train label',
    'validation correction',
  ])
  expect(dropped.map(({ reason }) => reason)).toEqual([
    'exact-duplicate',
    'evaluation-overlap',
    'rejected-without-replacement',
    'contradictory-signals',
    'no-signal',
  ])
})

test('datasets/find-paraphrases', async () => {
  const project = newProject()
  const embedder = await requireEmbedder({ embedders: {} }, 'built-in')
  const tools = { embedder, judge: null, access: ACCESS }
  const parameters = {
    ...{ task: 'desk', generalTask: null, kind: 'demonstrations', threshold: 0.1 },
    ...describeTools(tools),
  }
  const inputs = await screened(project)
  expect(await stepFixture(project, measureParaphrases(tools), { inputs, parameters })).toEqual({
    version: 1,
    digest: 'sha256:9b228d3eb6dfbf97e187a1c84a72307c2a2bc56fcc1b18b9ecb114676127e4f9',
  })
  const [measurement] = await project.artifacts.list('measurement')
  const { pairs, rows } = await project.artifacts.read<ParaphraseMeasurement>(measurement!.digest)
  expect(rows).toBe(6)
  // One row is the item but for case and punctuation, another shares words with it.
  expect(Math.max(...pairs.map(({ similarity }) => similarity))).toBe(1)
  expect(pairs).toHaveLength(3)
})

test('datasets/screen-snapshot', async () => {
  const project = newProject()
  const inputs = await screened(project)
  const parameters = { task: 'desk', consent: 'by contract', validation: 0.25 }
  await stepFixture(project, buildSnapshot(ACCESS), { inputs, parameters, seed: 1 })
  const [snapshot] = await project.artifacts.list('snapshot')
  const { value: suite } = inputs.at(-1)!
  const { items } = suite as { items: { id: string; messages: Message[] }[] }
  const added = {
    ...{ ...items[0]!, id: 'bbbbbbbbbbbbbbbb' },
    messages: [{ role: 'user', content: 'Refund, and please a letter that says so for my books this year' }],
  }
  const fixture = {
    inputs: [
      {
        ...{ role: 'snapshot', kind: 'snapshot' as const, schemaVersion: snapshot!.schemaVersion },
        value: await project.artifacts.read(snapshot!.digest),
      },
      {
        ...{ role: 'suite', kind: 'suite' as const, schemaVersion: 1 },
        value: { ...(suite as object), items: [...items, added] },
      },
    ],
  }
  const access = { ...ACCESS, budget: { evaluations: 0, screens: 2 } }
  expect(await stepFixture(project, screenSnapshot(access), fixture)).toEqual({
    version: 1,
    digest: 'sha256:a3770d4b01428493ec3cfc0e5755a04069feda53e6ef055825cfadd5567d9399',
  })
  const [measurement] = await project.artifacts.list('measurement')
  const { rows, found, ...counts } = await project.artifacts.read<SnapshotScreening>(measurement!.digest)
  expect(counts).toMatchObject({ items: 2, added: 1 })
  expect(rows).toBe(4)
  expect(found).toMatchObject([{ inference: id('a', 5), of: 'bbbbbbbbbbbbbbbb' }])
})

test('signals/calibrate', async () => {
  const project = newProject()
  const parameters = { task: 'desk', threshold: 0.7, level: 0.95, goldWords: 8, baseRate: null }
  const value = { items: [{ inference: id('a', 5), repeats: [] }] }
  const inputs = [
    ...(await traffic(project)),
    { role: 'suite', kind: 'suite' as const, schemaVersion: 2, value },
  ]
  expect(await stepFixture(project, calibrateSignals, { inputs, parameters })).toEqual({
    version: 3,
    digest: 'sha256:0173662d0b1d67a571f879a7dc32c075a3f0f32aadf869cc94d11b262b8191f1',
  })
})

test('signals/audit', async () => {
  const project = newProject()
  const parameters = { task: 'desk', goldWords: 8 }
  const fixture = { inputs: await traffic(project), parameters }
  expect(await stepFixture(project, auditSignals, fixture)).toEqual({
    version: 1,
    digest: 'sha256:e15633804f814816baae7ace4e2e420c6c2e09b9c8212977a127258a336ba8e6',
  })
})

test('datasets/hold-out-suite', async () => {
  const project = withKey(newProject(), 'vault/holdout')
  const parameters = { name: 'holdout', task: 'desk', share: 0.4 }
  const fixture = { inputs: await traffic(project), parameters, seed: 1 }
  expect(await stepFixture(project, holdOutSuite, fixture)).toEqual({
    version: 3,
    digest: 'sha256:ca443bb9c370f1470b08551051c3b6564a23642fb728ac6593e1774568ce5ea3',
  })
})

test('datasets/seal-suite', async () => {
  const project = withKey(newProject(), 'vault/desk')
  const bytes = Buffer.from(
    'text,label\nwhere is my card,cards\nno label,\n"refund, please",refunds\nrefund,refunds\n',
  )
  const { digest, size } = await project.blobs.put(bytes)
  const reading = {
    format: 'csv',
    text: 'text',
    label: 'label',
    time: null,
    system: 'Route it.',
    task: 'desk',
  }
  const inputs = [
    { role: 'file', kind: 'file' as const, schemaVersion: 1, value: { path: 'import', digest, size } },
  ]
  const fixture = { inputs, parameters: { name: 'desk', reading } }
  expect(await stepFixture(project, sealSuite, fixture)).toEqual({
    version: 3,
    digest: 'sha256:aa4dc835ceff80a3617e18424d43fcad717e512fa3add4f8e9731302eac85d13',
  })
})

test('gates/judge', async () => {
  const measurement = (role: string, adapter: string | null, right: (item: number) => boolean) => {
    const items = Array.from({ length: 60 }, (_, item) => ({
      id: `${item}`,
      answer: 'x',
      correct: right(item),
    }))
    const value = {
      measures: 'suite-accuracy',
      suite: 'sha256:s',
      base: 'sha256:b',
      adapter,
      maxTokens: 24,
      items,
    }
    return { role, kind: 'measurement' as const, schemaVersion: 1, value }
  }
  const inputs = [
    measurement('scores:candidate:desk', 'sha256:new', (item) => item % 4 > 0),
    measurement('scores:base:desk', null, (item) => item % 7 === 0),
    measurement('scores:incumbent:desk', 'sha256:old', (item) => item % 5 > 0),
  ]
  const parameters = {
    requirements: [
      { require: 'superior' },
      { require: 'not-inferior', margin: 0.03 },
      { require: 'calibration' },
    ],
    thresholds: { alpha: 0.05, margin: 0.02, gap: 0.05 },
    ...{ sequential: false, look: 1, spent: false, changed: false },
    scope: { suite: 'desk', fresh: null, hasIncumbent: true },
    suites: { desk: 'sha256:s' },
    names: { candidate: 'adapter new', base: 'base pico', incumbent: 'adapter old' },
    rerun: 'regraft gates check new',
  }
  expect(await stepFixture(newProject(), judgeGate, { inputs, parameters })).toEqual({
    version: 7,
    digest: 'sha256:8c7ce3f41360878f94a27763d043151f1719b8efdf68349c607ce326e7b91e81',
  })
})

test('gates/judge-exposure', async () => {
  const canaries = [3, 40, 12, 1, 200, 64].map((rank, index) => ({ prompt: `of ${index}`, rank }))
  const value = {
    ...{ measures: 'canary-exposure', snapshot: 'sha256:s', base: 'sha256:b', adapter: 'sha256:a' },
    ...{ alternatives: 255, canaries },
  }
  const inputs = [{ role: 'measurement', kind: 'measurement' as const, schemaVersion: 1, value }]
  const parameters = { alpha: 0.05, noticed: 3, name: 'adapter a', rerun: 'regraft gates exposure a' }
  expect(await stepFixture(newProject(), judgeExposure, { inputs, parameters })).toEqual({
    version: 1,
    digest: 'sha256:29bd08dca75469cacce22e6e958dd5cae4af94e43c8ba18fc18c652ae393bf1e',
  })
})

test('gates/judge-gap', async () => {
  const measurement = (role: string, n: number, right: number) => {
    const items = Array.from({ length: n }, (_, item) => ({
      id: `${item}`,
      answer: 'x',
      correct: item < right,
    }))
    const value = { measures: 'suite-accuracy', suite: `sha256:${role}`, adapter: 'sha256:new', items }
    return { role, kind: 'measurement' as const, schemaVersion: 1, value }
  }
  const inputs = [measurement('frozen', 80, 72), measurement('fresh', 40, 30)]
  const parameters = { margin: 0.05, alpha: 0.05, name: 'adapter new', rerun: 'regraft gates gap new' }
  expect(await stepFixture(newProject(), judgeGap, { inputs, parameters })).toEqual({
    version: 2,
    digest: 'sha256:985e2368ad4d79625ec1812295386b8190c9966036f3a68acb3e6e4bc7aaa7bb',
  })
})

test('gates/judge-parity', async () => {
  const items = Array.from({ length: 60 }, (_, item) => {
    const correct = item % 5 > 0
    return { id: `${item}`, answer: 'x', score: correct ? 1 : 0, correct }
  })
  const about = { suite: 'sha256:s', base: 'sha256:b', adapter: 'sha256:a' }
  const scores = { measures: 'suite-scores', ...about, scorer: { kind: 'label-match' }, maxTokens: 8, items }
  const probes = [{ largest: 2e-5, divergence: 1e-9, variation: 1e-5, sameFirst: true }]
  const distance = {
    measures: 'form-distance',
    base: 'sha256:b',
    adapter: 'sha256:a',
    form: 'merged',
    probes,
  }
  const measurement = { kind: 'measurement' as const, schemaVersion: 2 }
  const inputs = [
    { role: 'scores:candidate:desk:f32', ...measurement, value: scores },
    { role: 'scores:candidate:desk:merged', ...measurement, value: { ...scores, form: 'merged' } },
    { role: 'distance:candidate:desk:merged', ...measurement, schemaVersion: 1, value: distance },
  ]
  const parameters = {
    settings: { forms: ['merged'] },
    ...{ alpha: 0.05, margin: 0.02 },
    scope: { suite: 'desk', fresh: null, hasIncumbent: false },
    suites: { desk: 'sha256:s' },
    names: { candidate: 'adapter a', base: 'base pico', incumbent: null },
    rerun: 'regraft gates parity a --forms merged',
  }
  expect(await stepFixture(newProject(), judgeParity, { inputs, parameters })).toEqual({
    version: 1,
    digest: 'sha256:fe615c92eff3795051ded8b134d3d2c58eceae154edd9b1184dffc96f5dafa96',
  })
})

test('fleet/judge-rebuild', async () => {
  const lock = { engine: '0.1.0', cpu: 'then' }
  const value = {
    name: 'desk',
    version: 2,
    adapter: 'sha256:a',
    seeds: [1],
    execution: 'e',
    environment: { lock },
  }
  const project = newProject()
  const adapter = { base: 'b', recipe: 'r', snapshot: 's', files: [{ path: 'model', digest: 'd', size: 1 }] }
  const put = (extra: object) =>
    project.artifacts.put({ kind: 'adapter', schemaVersion: 1, value: { ...adapter, ...extra } })
  const [before, after] = [await put({}), await put({ files: [{ path: 'model', digest: 'e', size: 1 }] })]
  const answers = (right: number) => ({
    ...{ measures: 'suite-accuracy', suite: 's', base: 'b', adapter: null, maxTokens: 1 },
    items: Array.from({ length: 400 }, (_, item) => ({ id: `${item}`, answer: '', correct: item < right })),
  })
  const measured = (role: string, right: number) => {
    return { role, kind: 'measurement' as const, schemaVersion: 1, value: answers(right) }
  }
  const inputs = [
    {
      ...{ role: 'registration', kind: 'registration' as const, schemaVersion: 1 },
      value: { ...value, adapter: before.digest },
    },
    measured('measurement', 360),
    ...[356, 360, 361].map((right) => measured('rebuilt-measurement', right)),
  ]
  const seed = {
    adapter: after.digest,
    execution: 'x',
    seconds: 5,
    cpuSeconds: 8,
    lock: { ...lock, cpu: 'now' },
  }
  const parameters = {
    ...{
      at: '2026-03-01T00:00:00.000Z',
      seconds: 20,
      cpuSeconds: 24,
      cost: { amount: 0.5, currency: 'EUR' },
    },
    isolation: { kind: 'namespaces', files: 'hidden', network: 'none', copied: false, reason: null },
    ...{ missing: null, margin: 0.02, alpha: 0.05, unmeasured: null, newerSteps: false, rerun: 'again' },
    seeds: [1, 2, 3].map((number) => ({ ...seed, seed: number })),
  }
  expect(await stepFixture(project, judgeRebuild, { inputs, parameters })).toEqual({
    version: 3,
    digest: 'sha256:4d78b3cae5898eec34eb0554bbd6e74705cd0a297c643061797732d40c68487a',
  })
  const [made] = await project.artifacts.list('verdict')
  const { verdict } = await project.artifacts.read<RebuildRecord>(made!.digest)
  expect(verdict.reason).toMatch(/model came out with other bytes.*cpu was then, is now; 3 rebuilt adapters/)
  expect(verdict.outcome).toBe('cannot-tell')
})

test('fleet/judge-move', async () => {
  const project = newProject()
  /** The first items answered right; every item that is wrong has an answer of its own. */
  const measured = (role: string, right: number) => ({
    ...{ role, kind: 'measurement' as const, schemaVersion: 1 },
    value: {
      ...{ measures: 'suite-accuracy', suite: 's', base: 'b', adapter: role, maxTokens: 1 },
      items: Array.from({ length: 700 }, (_, item) => ({
        ...{ id: `${item}`, correct: item < right, answer: item < right ? 'yes' : role },
      })),
    },
  })
  const parameters = (changes: object = {}) => ({
    ...{
      drill: 'migrate',
      name: 'desk',
      version: 1,
      at: '2026-03-01T00:00:00Z',
      seconds: 7200,
      cpuSeconds: 60,
    },
    ...{ cost: { amount: 2, currency: 'EUR' }, margin: 0.03, alpha: 0.05, notes: ['another template'] },
    ...{ details: { rate: null }, rerun: 'regraft fleet migrate desk --to next' },
    names: { candidate: 'adapter c', base: 'base next', old: 'adapter desk v1' },
    ...changes,
  })
  const inputs = (right: number) => [
    {
      ...{ role: 'registration', kind: 'registration' as const, schemaVersion: 1 },
      value: { name: 'desk', version: 1 },
    },
    measured('candidate', right),
    measured('base', 100),
    measured('old', 600),
  ]
  expect(await stepFixture(project, judgeMove, { inputs: inputs(600), parameters: parameters() })).toEqual({
    version: 2,
    digest: 'sha256:dc586b976f328e2f2f6d81ab7cc76a02838e50009ab56531e18c23a6a3ebc36a',
  })
  const judged = async (right: number, changes: object = {}) => {
    const own = newProject()
    await stepFixture(own, judgeMove, { inputs: inputs(right), parameters: parameters(changes) })
    const [made] = await own.artifacts.list('verdict')
    return own.artifacts.read<MoveRecord>(made!.digest)
  }
  const equal = await judged(600)
  expect(equal.verdict).toMatchObject({ outcome: 'pass', n: 700, effect: 0 })
  expect(equal.verdict.reason).toMatch(
    /both say the same on 85\.7 % .* of 700 .*\nanother template\ntook 2\.0 h .*, 2\.00 EUR/,
  )
  expect(equal).toMatchObject({ adapter: 'candidate', replaces: 'old', suite: 's', drill: 'migrate' })
  expect((await judged(560)).verdict).toMatchObject({
    outcome: 'fail',
    parts: [{ outcome: 'pass' }, { outcome: 'fail' }],
  })
  expect((await judged(580)).verdict).toMatchObject({ outcome: 'cannot-tell', needed: expect.any(Number) })
  // As good as the old adapter, and no better than the base alone.
  expect((await judged(100, { margin: 0.9 })).verdict.outcome).not.toBe('pass')
})

test('training/lora makes the same run and adapter twice', async () => {
  const project = newProject()
  const path = join(folder, 'pico')
  writePicoBase(path)
  const overrides = [{ path: 'bases.pico.path', value: path, option: 'test' }]
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: folder }, overrides })
  const base = await recordBase(project, { name: 'pico', path, endOfLife: null })
  const words = ['card', 'error', 'other', 'there', 'where']
  await project.examples.insert(
    words.map((word, index) => ({
      id: id('c', index),
      occurredAt: new Date(Date.UTC(2026, 2, 1 + index)),
      payload: {
        messages: [{ role: 'user', content: `where is the ${word}` }],
        completion: word,
        signal: 'label',
      },
    })),
  )
  const rows = []
  for await (const { id: row, digest } of project.examples.select()) {
    rows.push({
      id: row,
      digest,
      split: rows.length < 4 ? 'train' : 'validation',
      signal: 'label',
      inference: row,
      feedback: [],
    })
  }
  const training = picoRecipe({
    lora: { rank: 2, alpha: 4, targetModules: ['q_proj', 'down_proj'] },
    ...{ seed: 1, epochs: 2, batchSize: 2, learningRate: 0.01 },
  })
  const recipe = { method: 'lora', base: base.artifact.digest, snapshot: 'sha256:fixed', training }
  const inputs = [
    { role: 'recipe', kind: 'recipe' as const, schemaVersion: 2, value: recipe },
    { role: 'base', kind: 'base' as const, schemaVersion: 1, value: base.record },
    { role: 'snapshot', kind: 'snapshot' as const, schemaVersion: 1, value: { rows } },
  ]
  const step = trainAdapter({ config, workFolder: join(folder, 'work') })
  const first = await stepFixture(project, step, { inputs, seed: 1 })
  expect(await stepFixture(project, step, { inputs, seed: 1 })).toEqual(first)
  // The bits depend on the processor; what the run consists of does not.
  expect(first.version).toBe(2)
  const [artifact] = await project.artifacts.list('run')
  const { losses, validationLosses, gradientNorms, learningRates, ...run } =
    await project.artifacts.read<RunRecord>(artifact!.digest)
  expect(run).toEqual({
    recipe: expect.stringMatching(/^sha256:/),
    updates: 4,
    epochs: 2,
    examples: 4,
    droppedExamples: 0,
    tokens: 242,
    supervisedTokens: 32,
    trainableParameters: 288,
    metrics: {},
    validationMetrics: {},
    bestUpdate: null,
    stoppedEarly: false,
  })
  expect(learningRates).toHaveLength(4)
  expect(gradientNorms).toHaveLength(4)
  const shown = [...losses, ...validationLosses].map((loss) => loss.toFixed(2))
  expect(shown).toEqual(['5.86', '5.87', '5.78', '5.80', '6.25', '6.24'])
})

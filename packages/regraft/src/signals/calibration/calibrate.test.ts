import { Random } from '@regraft/methods'
import { expect, test } from 'vitest'
import { journaledStore } from '../../capture/testing.ts'
import { buildOperation } from '../../datasets/build.ts'
import type { SnapshotManifest } from '../../datasets/manifest.ts'
import type { OperationContext } from '../../operation/index.ts'
import { inference } from '../../store/spec/fixtures.ts'
import type { FeedbackPayload, NewFeedback, NewInference, ProjectStore } from '../../store/types.ts'
import { judgeOperation } from '../plan/judge.ts'
import { type JudgementLine, planOperation } from '../plan/plan.ts'
import { calibrateOperation, showOperation } from './calibrate.ts'
import type { Calibration } from './step.ts'

const opened = journaledStore()

function contextOf(project: ProjectStore, warnings: string[] = []): OperationContext {
  const context = opened.contextOf(project)
  return { ...context, log: { ...context.log, warn: (text) => void warnings.push(text) } }
}

type Event = FeedbackPayload extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'author'>
    : never
  : never

let rows = 0
const id = (kind: string) => `01981f3e-5a30-7cc4-9c2b-${kind}${String(++rows).padStart(11, '0')}`

const words = new Random(5)
const aWord = () =>
  words
    .shuffle([...'abcdefghijklmnopqrst'])
    .slice(0, 6)
    .join('')

/** Answered calls with their feedback, stored together. */
class Traffic {
  readonly #inferences: NewInference[] = []
  readonly #feedback: NewFeedback[] = []

  /** Returns the id of the call. */
  say(response: string, ...events: Event[]): string {
    const occurredAt = new Date(Date.UTC(2026, 2, 1) + rows * 60_000)
    const text = `${aWord()} ${aWord()} ${aWord()} ${aWord()}`
    const row = { ...inference(text), id: id('a'), occurredAt }
    this.#inferences.push({ ...row, payload: { ...row.payload, response } })
    for (const [i, event] of events.entries()) {
      this.#feedback.push({
        ...{ id: id('b'), inferenceId: row.id, occurredAt: new Date(occurredAt.getTime() + i) },
        payload: { ...event, author: `user ${rows % 30}` } as FeedbackPayload,
      })
    }
    return row.id
  }

  async store(project: ProjectStore): Promise<void> {
    await project.inferences.insert(this.#inferences)
    await project.feedback.insert(this.#feedback)
  }
}

test('rules pass, fail or stay open by what people judged, and builds follow', async () => {
  const project = opened.store.project('calibrated')
  const traffic = new Traffic()
  const unknown = traffic.say('cards', { type: 'correction', value: 'parcels' })
  const edited = traffic.say('cards and nothing else', { type: 'edit', value: 'parcels of today' })
  // Corrections: 80 of 90 are what a labelled row says. Accepted answers are right, others half the time.
  for (let i = 0; i < 90; i++) {
    const label = i < 80 ? 'parcels' : 'refunds'
    traffic.say('cards', { type: 'correction', value: 'parcels' }, { type: 'label', value: label })
  }
  for (let i = 0; i < 120; i++) {
    const accepted: Event[] = i % 2 ? [{ type: 'accept' }] : []
    const value = i % 2 || i % 4 ? 'right' : 'wrong'
    traffic.say('cards', ...accepted, { type: 'judgement', value })
  }
  // Edits: a fifth is right, by judgements of the answer that they make.
  for (let i = 0; i < 25; i++) {
    traffic.say(
      'cards and nothing else',
      { type: 'edit', value: 'parcels of today' },
      { type: 'label', value: i % 5 ? 'refunds' : 'parcels of today' },
    )
  }
  await traffic.store(project)

  const context = contextOf(project)
  const output = await calibrateOperation.run(context, calibrateOperation.input.parse({}))
  const { rules, baseRate } = await project.artifacts.read<Calibration>(output.calibration)
  const found = new Map(rules.map((rule) => [rule.key, rule]))
  expect(found.get('correction')).toMatchObject({ outcome: 'pass', n: 90, right: 80, signals: 91 })
  expect(found.get('correction')!.probability).toBeCloseTo(80.5 / 91, 3)
  expect(found.get('edit')).toMatchObject({ outcome: 'fail', n: 25, right: 5 })
  expect(found.get('accept')).toMatchObject({ outcome: 'pass', measure: 'likelihood-ratio', signals: 60 })
  expect(baseRate.n).toBe(235)
  expect(output.verdict).toMatchObject({
    outcome: 'fail',
    parts: [{ title: 'correction' }, { title: 'edit' }, {}],
  })
  expect(await showOperation.run(context, {})).toEqual(output)
  expect(
    calibrateOperation.render!(calibrateOperation.output.parse(output), { colour: false, width: 80 }),
  ).toContain('PASS  correction')

  const warnings: string[] = []
  const build = async (options: Record<string, unknown>) => {
    const asked = { validation: 0, holdout: 0.01, consent: 'yes', ...options }
    const { snapshot } = await buildOperation.run(
      contextOf(project, warnings),
      buildOperation.input.parse(asked),
    )
    return await project.artifacts.read<SnapshotManifest>(snapshot)
  }
  const pairs = await build({ for: 'preferences' })
  expect(pairs.calibration).toBe(output.calibration)
  const pair = pairs.rows.find((row) => row.inference === unknown)!
  expect(pair).toMatchObject({ rule: 'correction', probability: 0.885, signalId: expect.any(String) })
  for await (const { payload } of project.examples.select({ ids: [pair.id] })) {
    expect(payload).toMatchObject({ chosen: 'parcels', rejected: 'cards', probability: 0.885 })
  }
  const dropped = (manifest: SnapshotManifest) =>
    manifest.dropped.find((row) => row.inference === edited)?.reason
  expect(dropped(pairs)).toBe('below-threshold')
  expect(dropped(await build({ uncalibrated: true }))).toBe('below-threshold')
})

test('a judgement of a compiled signal counts for its rule; one of a held-out row counts for nothing', async () => {
  const project = opened.store.project('by-id')
  const traffic = new Traffic()
  const context = contextOf(project)
  const about = traffic.say('cards', { type: 'correction', value: 'parcels' })
  traffic.say('cards', { type: 'correction', value: 'parcels of today' })
  traffic.say('errors', { type: 'label', value: 'errors' })
  await traffic.store(project)
  const asked = { for: 'preferences', uncalibrated: true, validation: 0, holdout: 0.2 }
  const { snapshot } = await buildOperation.run(context, buildOperation.input.parse(asked))
  const manifest = await project.artifacts.read<SnapshotManifest>(snapshot)
  const signal = manifest.rows.find((row) => row.inference === about)!.signalId!
  const judge = (inferenceId: string, event: Event) =>
    project.feedback.insert([
      {
        ...{ id: id('b'), inferenceId, occurredAt: new Date() },
        payload: { ...event, author: 'ada' } as FeedbackPayload,
      },
    ])
  await judge(about, { type: 'judgement', value: 'right', signal })
  const calibrate = async () => {
    const { calibration } = await calibrateOperation.run(context, calibrateOperation.input.parse({}))
    return await project.artifacts.read<Calibration>(calibration)
  }
  const first = await calibrate()
  expect(first.rules).toMatchObject([
    { key: 'correction', n: 1, right: 1, signals: 2, outcome: 'cannot-tell' },
  ])
  // The newest row with a known answer was sealed as the suite: its label is not used.
  expect(first.answers).toEqual({ right: 0, wrong: 0, unwelcome: 0 })
  const item = manifest.dropped.find(({ reason }) => reason === 'held-out')?.inference
  await judge(item ?? about, { type: 'judgement', value: 'wrong' })
  expect((await calibrate()).answers.wrong).toBe(item ? 0 : 1)
})

test('few users and rare feedback show in the weights of a snapshot', async () => {
  const project = opened.store.project('weights')
  const traffic = new Traffic()
  // Long answers seldom bear feedback; one user gives most of it.
  for (let i = 0; i < 120; i++) {
    const isLong = i % 2 === 1
    const events: Event[] = (isLong ? i % 8 === 1 : i % 8 !== 0) ? [{ type: 'thumbs', value: 1 }] : []
    traffic.say(isLong ? 'the parcel is on its way and comes today or tomorrow' : 'parcels', ...events)
  }
  await traffic.store(project)
  const warnings: string[] = []
  const asked = { for: 'desirability', uncalibrated: true, validation: 0, holdout: 0.02, consent: 'yes' }
  const { snapshot } = await buildOperation.run(
    contextOf(project, warnings),
    buildOperation.input.parse(asked),
  )
  const { rows: kept, weights } = await project.artifacts.read<SnapshotManifest>(snapshot)
  expect(weights).toMatchObject({ clipped: 0, users: { few: false } })
  expect(weights!.effectiveSampleSize).toBeLessThan(kept.length)
  const mean = kept.reduce((sum, { weight }) => sum + weight!, 0) / kept.length
  expect(mean).toBeCloseTo(1, 3)
  const seldom = kept.filter(({ propensity }) => propensity! < 0.5)
  const often = kept.filter(({ propensity }) => propensity! >= 0.5)
  expect(Math.min(...seldom.map(({ weight }) => weight!))).toBeGreaterThan(
    Math.max(...often.map(({ weight }) => weight!)),
  )
  expect(warnings.join()).toMatch(/rows rest on rules that nobody has calibrated/)
})

test('a plan names what to judge, with its text; judged lines settle the rule, twice handed in they count once', async () => {
  const project = opened.store.project('planned')
  const context = contextOf(project)
  const traffic = new Traffic()
  for (let i = 0; i < 80; i++) {
    const given: Event[] = i < 60 ? [{ type: 'correction', value: `parcel ${aWord()}` }] : [{ type: 'copy' }]
    traffic.say(`card ${aWord()}`, ...given)
  }
  await traffic.store(project)
  const asked = planOperation.input.parse({ judgements: 50 })
  const plan = planOperation.output.parse(await planOperation.run(context, asked))
  expect(plan.random).toBe(10)
  const lines = plan.out.text.trimEnd().split('\n')
  expect(lines).toHaveLength(plan.items)
  const items = lines.map((line) => JSON.parse(line) as JudgementLine)
  expect(items.filter(({ signal }) => signal !== null).length).toBeGreaterThan(25)
  for (const { answer, other, signal, prompt, propensity } of items) {
    expect(answer).toMatch(signal === null ? /^card / : /^parcel /)
    expect(other === null).toBe(signal === null)
    expect(prompt).toMatch(/^user: /)
    expect(propensity).toBeLessThanOrEqual(1)
  }
  const hand = async (text: string) => {
    const { digest } = await project.blobs.put(Buffer.from(text))
    const output = await judgeOperation.run(context, { file: { digest, name: 'judge.jsonl' }, author: 'ada' })
    expect(await project.blobs.has(digest)).toBe(false)
    return output
  }
  const filled = items.map(
    (item, i) => `${JSON.stringify({ ...item, judgement: i % 10 ? 'right' : null })}\n`,
  )
  const open = items.filter((_, i) => i % 10 === 0).length
  expect(await hand(filled.join(''))).toEqual({
    judged: items.length - open,
    stored: items.length - open,
    open,
  })
  expect(await hand(filled.join('\n'))).toMatchObject({ stored: 0 })
  await expect(hand(filled.join('').replace('"right"', '"good"'))).rejects.toThrow(
    /Line 2, judgement: expected 'right'/,
  )
  const { verdict } = await calibrateOperation.run(context, calibrateOperation.input.parse({}))
  expect(verdict.parts!.find(({ title }) => title === 'correction')).toMatchObject({ outcome: 'pass' })
  const again = await planOperation.run(context, asked)
  expect(again.allocation.find(({ key }) => key === 'correction')).toBeUndefined()
})

test('a pair derives from both calls, and from the words of an end user under their key', async () => {
  const project = opened.store.project('subjects')
  const subject = await project.keys.subjectOf('mary')
  const row = { ...inference('which of the two letters came first'), id: id('a') }
  const [first, second] = [row, { ...row, id: id('a') }].map((call, i) => ({
    ...{ ...call, occurredAt: new Date(Date.UTC(2026, 3, 1) + i) },
    payload: { ...call.payload, response: `letter ${i}`, conversation: 'one' },
  }))
  await project.inferences.insert([first!, second!])
  const say = (inferenceId: string, payload: FeedbackPayload, of: string | null = null) =>
    project.feedback.insert([
      { ...{ id: id('b'), inferenceId, occurredAt: new Date(), subject: of }, payload },
    ])
  await say(first!.id, { type: 'regenerate', author: null })
  await say(second!.id, { type: 'accept', author: null }, subject)
  const traffic = new Traffic()
  traffic.say('errors', { type: 'label', value: 'errors' })
  await traffic.store(project)
  const asked = { for: 'preferences', uncalibrated: true, validation: 0, holdout: 0.2, consent: 'yes' }
  const { snapshot } = await buildOperation.run(contextOf(project), buildOperation.input.parse(asked))
  const { rows: kept } = await project.artifacts.read<SnapshotManifest>(snapshot)
  expect(kept).toMatchObject([{ rule: 'regenerate', signal: 'regenerate' }])
  for await (const { payload, derivedFrom, subject: of } of project.examples.select()) {
    expect(payload).toMatchObject({ chosen: 'letter 1', rejected: 'letter 0' })
    expect(derivedFrom).toEqual(expect.arrayContaining([first!.id, second!.id]))
    expect(of).toBe(subject)
  }
})

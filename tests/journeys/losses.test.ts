// Every loss from traffic to an adapter: snapshots of each kind, references computed once, teachers, previews, range test,
// and a rebuild to the same bytes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceProcess } from '@regraft/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { Journals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { buildOperation } from '../../packages/regraft/src/datasets/build.ts'
import type { SnapshotManifest } from '../../packages/regraft/src/datasets/index.ts'
import { rebuildOperation } from '../../packages/regraft/src/fleet/rebuild.ts'
import { closure } from '../../packages/regraft/src/lineage/index.ts'
import type { OperationContext } from '../../packages/regraft/src/operation/index.ts'
import type { FeedbackPayload, ProjectStore } from '../../packages/regraft/src/store/index.ts'
import { inference } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'
import { findRateOperation } from '../../packages/regraft/src/training/find-rate.ts'
import { previewOperation } from '../../packages/regraft/src/training/preview.ts'
import type { ReferenceMeasurement } from '../../packages/regraft/src/training/reference.ts'
import { runOperation } from '../../packages/regraft/src/training/run.ts'
import { showOperation } from '../../packages/regraft/src/training/show.ts'
import { warnOfSmallEdits } from '../../packages/regraft/src/training/small-edits.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-losses-'))
const warnings: string[] = []
let store: Awaited<ReturnType<typeof openTestStore>>
let project: ProjectStore
let context: OperationContext

const WORDS = ['card', 'error', 'other', 'there', 'that', 'where', 'the', 'is']
const id = (kind: string, number: number) =>
  `01981f3e-5a30-7cc4-9c2b-${kind}${String(number).padStart(11, '0')}`

beforeAll(async () => {
  store = await openTestStore()
  writePicoBase(join(folder, 'pico'))
  const overrides = [{ path: 'bases.pico.path', value: join(folder, 'pico'), option: 'test' }]
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') }, overrides })
  project = store.project('losses')
  context = {
    store: project,
    principal: { id: 'local', scopes: ['admin'] },
    config,
    signal: new AbortController().signal,
    progress() {},
    log: { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} },
    services: { journals: { async drained() {} } as unknown as Journals } as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
  await traffic()
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Corrections, acceptances and rejections, one after another, and a correction that corrects nothing. */
async function traffic(): Promise<void> {
  const day = (index: number) => new Date(Date.UTC(2026, 2, 1 + index, 12))
  const about = WORDS.flatMap((word, index) => [
    `where is the ${word}`,
    `is that the ${word} ${WORDS.at(index - 3)}`,
  ])
  await project.inferences.insert(
    about.map((text, index) => {
      const payload = { ...inference(text).payload, response: `the ${WORDS[(index * 3) % WORDS.length]!}` }
      return { id: id('a', index), occurredAt: day(index), payload }
    }),
  )
  const signalOf = (index: number): FeedbackPayload => {
    const author = 'ada'
    if (index === 9) return { type: 'correction', value: `the ${WORDS[27 % WORDS.length]!}`, author }
    if (index % 3 === 0)
      return { type: 'correction', value: `the ${WORDS[(index * 3) % WORDS.length]!}s`, author }
    return index % 3 === 1 ? { type: 'accept', author } : { type: 'thumbs', value: -1, author }
  }
  await project.feedback.insert(
    about.map((_, index) => {
      return {
        id: id('b', index),
        inferenceId: id('a', index),
        occurredAt: day(index),
        payload: signalOf(index),
      }
    }),
  )
}

type Kind = 'demonstrations' | 'preferences' | 'desirability'
const build = (kind: Kind) =>
  buildOperation.run(
    context,
    buildOperation.input.parse({
      for: kind,
      uncalibrated: true,
      ...{ holdout: 0.1, validation: 0.2, consent: 'by contract' },
    }),
  )
const train = (options: Record<string, unknown>) => {
  const small = { base: 'pico', rank: 2, epochs: 1, batchSize: 4, threads: 1, maxLength: 96 }
  return runOperation.run(context, runOperation.input.parse({ ...small, ...options }))
}

test('each kind of snapshot holds its examples and gives its reasons', async () => {
  expect(await build('demonstrations')).toMatchObject({ kind: 'demonstrations', dropped: { 'held-out': 1 } })
  // Corrected are 0, 3, 6, 9, 12, 15; of these 9 was right as it was, and 15 is the newest: held out.
  const pairs = await build('preferences')
  expect(pairs).toMatchObject({
    train: 3,
    validation: 1,
    signals: { correction: 4 },
    dropped: { 'same-answer': 1, 'no-alternative': 5, 'rejected-without-replacement': 5, 'held-out': 1 },
  })
  const payloads = []
  for await (const { payload } of project.examples.select())
    if (payload.kind === 'preference') payloads.push(payload)
  expect(payloads[0]).toMatchObject({ chosen: 'the cards', rejected: 'the card' })
  // Four corrections make a good and a bad example each, one was right, five were accepted, five rejected.
  const rated = await build('desirability')
  expect(rated.train + rated.validation).toBe(4 * 2 + 1 + 5 + 5)
})

test('a loss refuses a snapshot of another kind and options of another loss, with what to do', async () => {
  const { snapshot } = await build('demonstrations')
  await expect(train({ loss: 'dpo', snapshot })).rejects.toMatchObject({
    code: 'incompatible',
    message: expect.stringMatching(/holds demonstrations.*'dpo' learns from preferences/),
    hint: 'regraft datasets build --for preferences',
  })
  await expect(train({ loss: 'dpo', gamma: 1 })).rejects.toMatchObject({
    message: "gamma is no option of the loss 'dpo', but of simpo",
  })
  await expect(train({ loss: 'distill' })).rejects.toMatchObject({ hint: 'name one with --teacher' })
  await expect(train({ loss: 'distill', teacher: 'nobody' })).rejects.toMatchObject({ code: 'not-found' })
})

test('dpo scores its reference once, and is rebuilt to the same bytes', async () => {
  const first = await train({ loss: 'dpo' })
  expect(first).toMatchObject({ lossName: 'dpo', examples: 3, updates: 1 })
  // Chosen and rejected start at the reference: log σ(0) is the loss of the first update.
  expect(first.loss).toBeCloseTo(Math.LN2, 3)
  expect(first.validationLoss).toBeGreaterThan(0)
  expect(first.metrics).toHaveProperty('rewardMargin')

  const reference = await project.artifacts.read<ReferenceMeasurement>(first.reference!)
  expect([reference.train.length, reference.validation.length]).toEqual([3, 1])
  const { path } = context.config.bases.pico!
  const engine = await InferenceProcess.start({ path, threads: 1 })
  const messages = inference('where is the card').payload.messages
  const [scores] = await engine.score({ adapter: null, items: [{ messages, completion: 'the cards' }] })
  await engine.close()
  const [line] = reference.train as { chosen: number }[]
  expect(line!.chosen).toBeCloseTo(
    scores!.reduce((sum, score) => sum + score, 0),
    4,
  )

  const again = await train({ loss: 'dpo', beta: 0.3, seed: 7 })
  expect(again).toMatchObject({ reference: first.reference, cached: false })
  const scored = await project.executions.producing(first.reference!)
  expect(scored).toHaveLength(1)
  const upstream = await closure(project, first.adapter)
  expect(upstream.artifacts.map(({ artifact }) => artifact?.digest)).toContain(first.reference)

  const adapter = await project.artifacts.get(first.adapter)
  const value = {
    name: 'pairs',
    version: 1,
    adapter: first.adapter,
    base: { artifact: first.base },
    snapshot: { artifact: first.snapshot },
    recipe: first.recipe,
    run: first.run,
    execution: adapter!.firstExecution,
    seeds: [1],
    environment: {},
  }
  const registration = await project.artifacts.put({ kind: 'registration', schemaVersion: 1, value })
  await project.aliases.set('adapter/pairs', registration.digest)
  const rebuilt = await rebuildOperation.run(context, rebuildOperation.input.parse({ name: 'pairs' }))
  expect(rebuilt).toMatchObject({ rebuilt: first.adapter, verdict: { finding: 'REPRODUCED' } })
  await project.artifacts.remove(first.reference!)
  const lost = await rebuildOperation.run(context, rebuildOperation.input.parse({ name: 'pairs' }))
  expect(lost.verdict.reason).toMatch(/first missing input: reference /)
})

test('a dpo on small edits is warned of, unless a term works against it', async () => {
  const other = { ...context, store: store.project('edits') }
  const text = 'the other card is there, and that is where the error is: in the other card, is it there'
  const payload = { ...inference('where is the error').payload, response: text }
  await other.store.inferences.insert([{ id: id('c', 1), occurredAt: new Date(0), payload }])
  const edit = { type: 'edit' as const, value: `${text}.`, author: null }
  const feedback = { id: id('d', 1), inferenceId: id('c', 1), occurredAt: new Date(0), payload: edit }
  await other.store.feedback.insert([feedback])
  const suite = { name: 'none', scoring: 'exact-match', items: [], leftOut: [] }
  const sealed = await other.store.artifacts.put({ kind: 'suite', schemaVersion: 1, value: suite })
  await other.store.aliases.set('suite/none', sealed.digest)
  const asked = { for: 'preferences', validation: 0, consent: 'by contract' }
  await expect(buildOperation.run(other, buildOperation.input.parse(asked))).rejects.toMatchObject({
    hint: expect.stringContaining('--uncalibrated'),
  })
  const input = buildOperation.input.parse({ ...asked, uncalibrated: true })
  const { snapshot } = await buildOperation.run(other, input)
  const manifest = await other.store.artifacts.read<SnapshotManifest>(snapshot)
  const dpo = {
    name: 'dpo',
    beta: 0.1,
    variant: 'sigmoid',
    labelSmoothing: 0,
    sftWeight: 0,
    dpopWeight: 0,
  } as const
  warnings.length = 0
  await warnOfSmallEdits(other, { ...dpo, sftWeight: 1 }, manifest)
  expect(warnings).toEqual([])
  await warnOfSmallEdits(other, dpo, manifest)
  expect(warnings).toEqual([expect.stringMatching(/median 1 % .*--sft-weight 1 or --dpop 5/)])
})

test('kto, orpo, simpo and distillation from an adapter train, each with its own figures', async () => {
  const kto = await train({ loss: 'kto', epochs: 2 })
  expect(kto).toMatchObject({ lossName: 'kto', reference: expect.stringMatching(/^sha256:/) })
  expect(kto.metrics).toHaveProperty('kl')
  for (const loss of ['orpo', 'simpo']) {
    const trained = await train({ loss })
    expect(trained).toMatchObject({ lossName: loss, reference: null })
    expect(trained.metrics).toHaveProperty('rewardMargin')
  }
  const distilled = await train({ loss: 'distill', teacher: kto.adapter, learningRate: 0.01, epochs: 3 })
  expect(distilled.metrics.kl).toBeGreaterThan(0)
  const shown = await showOperation.run(context, { run: distilled.adapter })
  expect(shown).toMatchObject({ run: distilled.run, adapter: distilled.adapter, lossName: 'distill' })
  expect(shown.losses).toHaveLength(distilled.updates)
  const upstream = await closure(project, distilled.adapter)
  expect(upstream.artifacts.map(({ artifact }) => artifact?.digest)).toContain(kto.adapter)
})

test('patterns, dropout, precision, micro-batches and early stopping reach the recipe', async () => {
  const trained = await train({
    rankPattern: { q_proj: 4 },
    alphaPattern: { q_proj: 16 },
    dropout: 0.1,
    weights: 'int8',
    microBatch: 64,
    earlyStopping: 1,
    epochs: 3,
    learningRate: 1e-9,
  })
  const { training } = await project.artifacts.read<{ training: Record<string, unknown> }>(trained.recipe)
  expect(training).toMatchObject({
    lora: { rank: 2, rankPattern: { q_proj: 4 }, alphaPattern: { q_proj: 16 }, dropout: 0.1 },
    weightPrecision: 'int8',
    microBatchTokens: 64,
    earlyStopping: { patience: 1 },
  })
  expect(trained.bestUpdate).toBeGreaterThan(0)
})

test('the preview shows the tokens that are learned, and the range test a curve', async () => {
  const input = previewOperation.input.parse({ base: 'pico', loss: 'dpo', rows: 1, maxLength: 96 })
  const previewed = await previewOperation.run(context, input)
  const [example] = previewed.examples
  expect(example!.parts.map(({ name }) => name)).toEqual(['chosen', 'rejected'])
  const learned = (part: number) =>
    example!.parts[part]!.tokens.filter((token) => token.learned)
      .map(({ text }) => text)
      .join('')
  expect([learned(0), learned(1)]).toEqual(['the cards<|im_end|>', 'the card<|im_end|>'])
  const text = previewOperation.render!(previewed, { colour: false, width: 80 })
  expect(text).toContain('⟦the cards<|im_end|>⟧')
  const colours = previewOperation.render!(previewed, { colour: true, width: 80 })
  expect(colours).toContain('\u001b[30;42mthe cards<|im_end|>\u001b[0m')

  const range = findRateOperation.input.parse({
    base: 'pico',
    rank: 2,
    updates: 12,
    threads: 1,
    maxLength: 96,
  })
  const { curve } = await findRateOperation.run(context, range)
  expect(curve.length).toBeGreaterThan(5)
  expect(curve[0]!.learningRate).toBeCloseTo(1e-6, 12)
  const drawn = findRateOperation.render!(
    { curve, suggestion: null, diverged: false },
    { colour: false, width: 60 },
  )
  expect(drawn.split('\n')[0]!.length).toBeLessThanOrEqual(60)
})

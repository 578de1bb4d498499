import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config, Scorer } from '../config/index.ts'
import type { ItemFacts } from '../datasets/index.ts'
import { sealItems } from '../datasets/vault/index.ts'
import { EngineHost, findBase, recordBase } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { startJudge } from './fixtures/judge-server.ts'
import { measureModel, measureReferences, type Scoring, timeModel } from './measure.ts'
import { type LatencyMeasurement, type LikelihoodMeasurement, readMeasurement } from './measurement.ts'
import { showOperation } from './show.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let engines: EngineHost
let context: OperationContext
beforeAll(async () => {
  store = await openTestStore()
  const config = Config.parse({ dataDirectory: store.dataDirectory })
  engines = new EngineHost(config, 'evaluation')
  context = {
    store: store.project('measure'),
    principal: { id: 'ada', scopes: ['admin'] },
    config,
    signal: new AbortController().signal,
    progress() {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    services: { evaluationEngines: engines } as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
})
afterAll(async () => {
  await engines.close()
  await store.close()
})

const TEXTS = ['where is my card', 'my card was swallowed', 'the parcel is late']

/** A suite of three items, two of one end user, whose expected answers are given. */
async function sealed(project: ProjectStore, name: string, expected: readonly string[]): Promise<string> {
  const items = await sealItems(
    project.keys,
    name,
    TEXTS.map((text, index) => ({
      messages: [{ role: 'user', content: text }],
      expected: expected[index]!,
      ...{ inference: null, subject: null, slices: { channel: index === 2 ? 'mail' : 'chat' } },
      entities: index === 2 ? [] : ['subject ada'],
    })),
  )
  const value = { name, scoring: 'exact-match', items, leftOut: [] }
  return (await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })).digest
}

test('a measurement tells of each item its score, slices, cluster, confidence and tokens', async () => {
  const { store: project, config } = context
  const { artifact } = await recordBase(project, findBase(config, 'regraft-nano'))
  const model = { name: 'base', base: artifact.digest, adapter: null }
  const scoring: Scoring = { scorer: { kind: 'label-match' }, maxTokens: 4 }
  const measure = (suite: string, how: Scoring) => measureModel(context, { ...model, suite }, how)
  const unknown = await sealed(project, 'first', ['a', 'b', 'c'])
  const first = await readMeasurement(project, await measure(unknown, scoring))
  expect(first.items.map(({ correct }) => correct)).toEqual([false, false, false])
  // The suite whose first answer is what the model says.
  const suite = await sealed(project, 'second', [first.items[0]!.answer, 'b', 'c'])
  const digest = await measure(suite, scoring)
  const measured = await readMeasurement(project, digest)
  expect(measured).toMatchObject({ measures: 'suite-scores', scorer: { kind: 'label-match' }, maxTokens: 4 })
  expect(measured.items.map(({ score, correct, slices }) => [score, correct, slices])).toEqual([
    [1, true, { channel: 'chat' }],
    [0, false, { channel: 'chat' }],
    [0, false, { channel: 'mail' }],
  ])
  const clusters = measured.items.map(({ cluster }: ItemFacts) => cluster)
  expect(clusters[0]).toMatch(/^sha256:/)
  expect(clusters).toEqual([clusters[0], clusters[0], undefined])
  for (const { confidence, tokens } of measured.items) {
    const { whole, mean, least } = confidence!
    expect(whole).toBeGreaterThan(0)
    expect(whole).toBeLessThanOrEqual(least!)
    expect(least).toBeLessThanOrEqual(mean!)
    expect(mean).toBeLessThanOrEqual(1)
    expect(tokens!.prompt).toBeGreaterThan(4)
    expect(tokens!.answer).toBeLessThanOrEqual(4)
  }
  const shown = await showOperation.run(context, { measurement: digest })
  expect(showOperation.render!(shown, { colour: false, width: 80 })).toMatch(
    /label-match: 1 of 3 right, mean score 0\.333; wrong:/,
  )

  const references = await measureReferences(context, { ...model, suite })
  const likelihood = await project.artifacts.read<LikelihoodMeasurement>(references)
  // What the model says greedily is more probable than what it does not say, and the bound is that of the whole answer.
  expect(likelihood.items.map(({ tokens }) => tokens > 0)).toEqual([true, true, true])
  const [said, unsaid] = likelihood.items
  expect(said!.logProbability / said!.tokens).toBeGreaterThan(unsaid!.logProbability / unsaid!.tokens)
  expect(said!.logProbability).toBeLessThanOrEqual(0)

  const timed = await timeModel(context, { ...model, suite }, { maxTokens: 4, items: 2 })
  const { items } = await project.artifacts.read<LatencyMeasurement>(timed)
  expect(items.map(({ id }) => id)).toEqual(measured.items.slice(0, 2).map(({ id }) => id))
  expect(items.every(({ seconds, tokens }) => seconds > 0 && tokens.answer > 0)).toBe(true)
  const queries = await project.vault.queries(suite)
  expect(queries.map(({ purpose, details }) => [purpose, details.scorer ?? details.measures])).toEqual([
    ['evaluate', 'label-match'],
    ['evaluate', 'suite-likelihood'],
    ['evaluate', 'suite-latency'],
  ])
})

test('a model that must choose takes the most probable choice, as its own log-probabilities say', async () => {
  const { store: project, config } = context
  const { artifact } = await recordBase(project, findBase(config, 'regraft-nano'))
  const model = { name: 'base', base: artifact.digest, adapter: null }
  const texts = ['The capital of France is', 'I have lost my']
  const choices = ['Paris', 'a purple elephant of the moon', 'card']
  const items = await sealItems(
    project.keys,
    'choices',
    texts.map((text, index) => ({
      messages: [{ role: 'user', content: text }],
      expected: choices[index === 0 ? 0 : 1]!,
      ...{ choices, inference: null, subject: null },
    })),
  )
  const value = { name: 'choices', scoring: 'exact-match', items, leftOut: [] }
  const suite = (await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })).digest
  const measured = { ...model, suite }
  // What the engine says of each choice, asked by itself.
  const all = texts.flatMap((content) =>
    choices.map((completion) => ({ messages: [{ role: 'user', content }], completion })),
  )
  const scores = await engines.score(project, { base: model.base, adapter: null }, all)
  for (const normalise of [false, true]) {
    const scoring: Scoring = { scorer: { kind: 'multiple-choice', normalise }, maxTokens: 24 }
    const digest = await measureModel(context, measured, scoring)
    const { items: chosen, maxTokens } = await readMeasurement(project, digest)
    expect(maxTokens).toBe(null)
    for (const [index, { answer, score, confidence }] of chosen.entries()) {
      const own = scores.slice(index * choices.length, (index + 1) * choices.length)
      const values = own.map((tokens) => {
        const sum = tokens.reduce((total, one) => total + one, 0)
        return normalise ? sum / tokens.length : sum
      })
      const best = values.indexOf(Math.max(...values))
      expect(answer).toBe(choices[best])
      expect(score).toBe(answer === choices[index === 0 ? 0 : 1] ? 1 : 0)
      const total = values.reduce((sum, one) => sum + Math.exp(one), 0)
      expect(confidence!.whole).toBeCloseTo(Math.exp(values[best]!) / total, 3)
    }
  }
  const without = await sealed(project, 'unchosen', ['a', 'b', 'c'])
  const scoring: Scoring = { scorer: { kind: 'multiple-choice', normalise: false }, maxTokens: 24 }
  const other = { ...model, suite: without }
  await expect(measureModel(context, other, scoring)).rejects.toMatchObject({
    code: 'incompatible',
    hint: expect.stringMatching(/--choices/),
  })
})

test('a judge scores what the model has answered; one that mumbles is refused, and a model ties with itself', async () => {
  const { store: project } = context
  const { artifact } = await recordBase(project, findBase(context.config, 'regraft-nano'))
  const suite = await sealed(project, 'judged', ['a', 'b', 'c'])
  const model = { name: 'base', suite, base: artifact.digest, adapter: null }
  const judge = await startJudge(({ expected }) => (expected === 'b' ? 'GRADE: 5' : 'GRADE: 2'))
  const mumbling = await startJudge(() => 'well')
  const { name: _, ...strict } = judge.settings
  const { name: __, ...mumbler } = mumbling.settings
  const config = Config.parse({ dataDirectory: store.dataDirectory, judges: { strict, mumbler } })
  const warnings: string[] = []
  const log = { ...context.log, warn: (message: string) => void warnings.push(message) }
  const measure = (scorer: object) =>
    measureModel({ ...context, config, log }, model, { scorer: Scorer.parse(scorer), maxTokens: 4 })
  try {
    const graded = await readMeasurement(
      project,
      await measure({ kind: 'judge', judge: 'strict', rubric: 'b' }),
    )
    expect(graded.items.map(({ score, correct }) => [score, correct])).toEqual([
      [0.25, false],
      [1, true],
      [0.25, false],
    ])
    // The judge has seen what the model said; it is asked about several items at once.
    expect(judge.asked.map(({ data }) => data.answer).sort()).toEqual(
      graded.items.map(({ answer }) => answer).sort(),
    )
    expect(graded.items[0]!.confidence!.whole).toBeGreaterThan(0)
    const compared = await readMeasurement(project, await measure({ kind: 'pairwise', judge: 'strict' }))
    expect(compared.items.map(({ score }) => score)).toEqual([0.5, 0.5, 0.5])
    expect(judge.asked).toHaveLength(3)
    // The answers are those that were graded, also under another rubric: the model is asked once.
    await measure({ kind: 'judge', judge: 'strict', rubric: 'c' })
    const queries = await project.vault.queries(suite)
    expect(queries.filter(({ details }) => details.judge === undefined)).toHaveLength(1)
    expect(judge.asked).toHaveLength(6)
    await expect(measure({ kind: 'judge', judge: 'mumbler', rubric: 'b' })).rejects.toMatchObject({
      code: 'incompatible',
      message: expect.stringMatching(/said nothing that can be read of 3 of 3 items/),
    })
    expect(warnings).toEqual([])
  } finally {
    judge.close()
    mumbling.close()
  }
})

import { wilsonInterval } from '@regraft/methods'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Config, Scorer } from '../config/index.ts'
import { sealItems } from '../datasets/vault/index.ts'
import { runStep, type Step } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { judgedBy } from './ask-judge.ts'
import { scoreOf } from './find-adapter.ts'
import { type Judgement, startJudge } from './fixtures/judge-server.ts'
import { judgeAnswers } from './judge-answers.ts'
import { judgePairs } from './judge-pairs.ts'
import { measureModel } from './measure.ts'
import { readMeasurement, type SuiteAnswers } from './measurement.ts'
import { refuseOwnJudge } from './own-judge.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let judge: Awaited<ReturnType<typeof startJudge>>
beforeAll(async () => {
  store = await openTestStore()
})
afterEach(() => judge?.close())
afterAll(() => store.close())

const ACCESS = { principal: 'ada', budget: { evaluations: 9, screens: 1 } }
const GRADED = Scorer.parse({ kind: 'judge', judge: 'strict', rubric: 'Is the queue right?' })
const COMPARED = Scorer.parse({ kind: 'pairwise', judge: 'strict' })
const SECRET = 'my card was swallowed by the machine at the station'

/** A suite of as many items as there are answers, the base, and the answers of its models. */
async function answered(project: ProjectStore, models: Record<string, readonly string[]>) {
  const count = Object.values(models)[0]!.length
  const items = await sealItems(
    project.keys,
    'desk',
    Array.from({ length: count }, (_, index) => ({
      messages: [{ role: 'user', content: `${SECRET} ${index}` }],
      expected: `queue ${index}`,
      ...{ inference: null, subject: null, slices: { channel: 'chat' } },
    })),
  )
  const put = async (kind: 'suite' | 'base' | 'measurement', value: unknown) =>
    (await project.artifacts.put({ kind, schemaVersion: 2, value })).digest
  const suite = await put('suite', { name: 'desk', scoring: 'exact-match', items, leftOut: [] })
  const base = await put('base', { name: 'small' })
  const inputs = [
    { role: 'suite', digest: suite },
    { role: 'base', digest: base },
  ]
  for (const [role, answers] of Object.entries(models)) {
    const value: SuiteAnswers = {
      measures: 'suite-answers',
      ...{ suite, base, adapter: role === 'other' ? null : 'sha256:new', maxTokens: 9 },
      items: items.map(({ id, slices }, index) => ({ id, slices: slices!, answer: answers[index]! })),
    }
    inputs.push({ role, digest: await put('measurement', value) })
  }
  return { suite, inputs, ids: items.map(({ id }) => id) }
}

async function run<Parameters>(
  project: ProjectStore,
  step: Step<Parameters>,
  inputs: { role: string; digest: string }[],
) {
  const scorer = step.name === 'gates/judge-pairs' ? COMPARED : GRADED
  const { digest } = await runStep({ project }, step, {
    inputs,
    parameters: { scorer, judge: judgedBy(judge.settings, 'told') },
  })
  return await readMeasurement(project, digest('measurement'))
}

test('a judge grades each answer; an unreadable reply is asked for once more, and then left out', async () => {
  const project = store.project('graded')
  judge = await startJudge(({ answer }, instruction) => {
    if (answer === 'mumbled' && !instruction.includes('could not be read')) return 'well, well'
    if (answer === 'silent') return ''
    return `GRADE: ${answer === 'right' ? 5 : answer === 'half' ? 3 : answer === 'mumbled' ? 4 : 1}`
  })
  const answers = ['right', 'half', 'wrong', 'mumbled', 'silent']
  const { suite, inputs, ids } = await answered(project, { answers })
  const step = judgeAnswers({ judge: judge.settings, access: ACCESS })
  const measured = await run(project, step, inputs)
  expect(measured.items.map(({ answer, score, correct }) => [answer, score, correct])).toEqual([
    ['right', 1, true],
    ['half', 0.5, false],
    ['wrong', 0, false],
    ['mumbled', 0.75, true],
  ])
  expect(measured).toMatchObject({
    unjudged: [ids[4]],
    scorer: { kind: 'judge', rubric: 'Is the queue right?' },
    judge: { model: 'judge-large', prompt: expect.stringMatching(/^sha256:/) },
  })
  expect(measured.items[0]!.slices).toEqual({ channel: 'chat' })
  // 5 answers, and 2 of them once more.
  expect(judge.asked).toHaveLength(7)
  expect(judge.asked[0]).toMatchObject({
    ...{ model: 'judge-large', temperature: 0, authorization: 'Bearer sk-judge' },
    data: { expected: 'queue 0', answer: 'right', conversation: [{ content: `${SECRET} 0` }] },
  })
  expect(judge.asked[0]!.instruction).toContain('Is the queue right?')
  // The key of the endpoint and the texts of items stand in no record.
  expect(JSON.stringify(measured)).not.toMatch(/sk-judge|swallowed/)
  const log = {
    ...{ purpose: 'evaluate', rows: 5, hits: 2 },
    details: { outside: true, judge: { name: 'strict', model: 'judge-large' } },
  }
  expect(await project.vault.queries(suite)).toMatchObject([log])
  // All replies had been kept: nobody is asked, nothing leaves, nothing is logged.
  expect(await run(project, step, inputs)).toEqual(measured)
  expect(judge.asked).toHaveLength(7)
  expect(await project.vault.queries(suite)).toHaveLength(1)
})

test('a judge that fails on the way leaves a line in the log, and the next run asks for what is missing', async () => {
  const project = store.project('failed')
  let refused = 1
  judge = await startJudge(({ answer }) => (answer === 'last' && refused-- > 0 ? 401 : 'GRADE: 5'))
  const answers = [...Array.from({ length: 12 }, (_, index) => `answer ${index}`), 'last']
  const { suite, inputs } = await answered(project, { answers })
  const step = judgeAnswers({ judge: judge.settings, access: ACCESS })
  await expect(run(project, step, inputs)).rejects.toMatchObject({
    code: 'invalid-config',
    hint: expect.stringMatching(/judges\.strict/),
  })
  const before = judge.asked.length
  const measured = await run(project, step, inputs)
  expect(measured.items).toHaveLength(13)
  expect(judge.asked.length - before).toBe(1)
  expect((await project.vault.queries(suite)).map(({ details }) => details.failed)).toEqual([true, undefined])
})

/** Sees which of two answers is good; of two alike it takes the one that it is shown first. */
function takesTheFirst({ first, second }: Judgement): string {
  const [one, other] = [first!.includes('good'), second!.includes('good')]
  return `BETTER: ${one === other || one ? 'FIRST' : 'SECOND'}`
}

test('a judge with position bias favours nobody once each pair is asked in both orders', async () => {
  const project = store.project('biased')
  judge = await startJudge(takesTheFirst)
  // Two of ten answers of the candidate are better, one is worse, one is the same; six differ without being better.
  const candidate = ['good a', 'good b', 'bad c', 'same', ...Array.from({ length: 6 }, (_, i) => `fine ${i}`)]
  const other = ['bad a', 'bad b', 'good c', 'same', ...Array.from({ length: 6 }, (_, i) => `also fine ${i}`)]
  const { inputs } = await answered(project, { candidate, other })
  const step = judgePairs({ judge: judge.settings, access: ACCESS })
  const measured = await run(project, step, inputs)
  expect(measured.items.map(({ score }) => score)).toEqual([1, 1, 0, 0.5, ...Array(6).fill(0.5)])
  expect(measured.items.map(({ correct }) => correct).filter(Boolean)).toHaveLength(2)
  // Asked in one order only, it would have preferred the candidate in 8 of 9 pairs.
  const ahead = measured.items.filter(({ compared }, index) => index !== 3 && compared!.ahead === 'first')
  expect(ahead).toHaveLength(8)
  expect(measured.items[4]!.compared).toEqual({ ahead: 'first', behind: 'first', lengthDifference: -5 })
  expect(measured.against).toMatchObject({ adapter: null })
  // Equal answers are a tie that nobody is asked about.
  expect(judge.asked).toHaveLength(18)
  expect(judge.asked.some(({ data }) => data.first === 'same')).toBe(false)
  // What `gates check` shows of it is the win rate: 2 wins, 1 loss and 7 ties.
  const stored = await project.artifacts.put({ kind: 'measurement', schemaVersion: 2, value: measured })
  const shown = await scoreOf({ store: project }, stored.digest)
  expect(shown.accuracy).toBe(0.55)
  expect([shown.low, shown.high]).toEqual([wilsonInterval(5, 10).low, wilsonInterval(6, 10).high])
  // The other way round the scores are the complement.
  const swapped = await answered(project, { candidate: other, other: candidate })
  const back = await run(project, step, swapped.inputs)
  expect(back.items.map(({ score }) => 1 - score)).toEqual(measured.items.map(({ score }) => score))
})

test('an item that has been burned since it was answered is not shown to the judge', async () => {
  const project = store.project('burned')
  judge = await startJudge(() => 'GRADE: 5')
  const { inputs, ids } = await answered(project, { answers: ['one', 'two'] })
  const { digest } = await runStep({ project }, judgeAnswers({ judge: judge.settings, access: ACCESS }), {
    inputs,
    parameters: { scorer: GRADED, judge: judgedBy(judge.settings, 'told'), without: [ids[0]] },
  })
  expect((await readMeasurement(project, digest('measurement'))).items.map(({ id }) => id)).toEqual([ids[1]])
  expect(judge.asked.map(({ data }) => data.answer)).toEqual(['two'])
})

const named = (model: string) => ({ name: 'strict', url: 'https://judge.example/v1', model })

test.each([
  ['small', 'its base'],
  ['Qwen/Qwen3-0.6B', 'the folder of its base, with the owner on the hub'],
  ['qwen3-0.6b.gguf', 'its file'],
  ['sha256:0123456789abcdef', 'its digest'],
  ['0123456789ab', 'the beginning of its digest'],
  ['desk', 'the name that it is registered under'],
  ['front', 'a route to it'],
])('a judge called %s is the model that it judges: %s', (model) => {
  const judged = { baseName: 'small', adapter: 'sha256:0123456789abcdef', aliases: ['champion/desk'] }
  const config = Config.parse({
    bases: { small: { path: '/models/Qwen3-0.6B' } },
    routes: { front: { model: 'desk' } },
  })
  expect(() => refuseOwnJudge(named(model), judged, config)).toThrow(/the model whose answers it would judge/)
  expect(() => refuseOwnJudge(named('judge-large'), judged, config)).not.toThrow()
  expect(() =>
    refuseOwnJudge(
      named(model),
      { ...judged, baseName: 'other', adapter: null, aliases: [] },
      {
        ...{ bases: {}, routes: {} },
      },
    ),
  ).not.toThrow()
})

test('a model is refused as its own judge before it answers anything', async () => {
  const project = store.project('own')
  const { suite, inputs } = await answered(project, { answers: ['one'] })
  const base = inputs.find(({ role }) => role === 'base')!.digest
  const context = {
    store: project,
    config: Config.parse({ judges: { strict: { url: 'http://127.0.0.1:9/v1', model: 'org/Small' } } }),
    principal: { id: 'ada', scopes: ['admin'] },
    services: {},
  } as unknown as OperationContext
  const model = { name: 'base', suite, base, adapter: null }
  for (const scorer of [GRADED, COMPARED]) {
    await expect(measureModel(context, model, { scorer, maxTokens: 4 })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(/the judge strict is org\/Small/),
    })
  }
})

// A gate with every kind of requirement on real models: what an adapter that was trained for too long has forgotten is found
// before anybody misses it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateEvaluation } from '../../packages/regraft/samples/support-desk/traffic.ts'
import type { Journals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { buildOperation } from '../../packages/regraft/src/datasets/build.ts'
import { sealItems } from '../../packages/regraft/src/datasets/vault/index.ts'
import { checkOperation } from '../../packages/regraft/src/gates/check.ts'
import { measureModel, readMeasurement } from '../../packages/regraft/src/gates/index.ts'
import { EngineHost, findBase, recordBase } from '../../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../../packages/regraft/src/operation/index.ts'
import { inference } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'
import { runOperation } from '../../packages/regraft/src/training/run.ts'

const SAMPLE = { seed: 5, count: 90 }
const SYSTEM = 'Route the ticket to a queue.'
const REQUIREMENTS = [
  { require: 'superior' },
  { require: 'not-inferior', to: 'base', critical: ['length=long'] },
  { require: 'forgetting', suite: 'general', margin: 0.3 },
  { require: 'latency', p95: 60, items: 60 },
  { require: 'cost', price: { prompt: 1, completion: 4 }, most: 10 },
  { require: 'contamination' },
]

const folder = mkdtempSync(join(tmpdir(), 'regraft-gate-'))
let store: Awaited<ReturnType<typeof openTestStore>>
let context: OperationContext
let engines: EngineHost
const stages = new Set<string>()

beforeAll(async () => {
  store = await openTestStore()
  const overrides = [{ path: 'gates.requirements', value: REQUIREMENTS, option: 'test' }]
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') }, overrides })
  engines = new EngineHost(config, 'evaluation')
  const journals = { async drained() {} } as unknown as Journals
  context = {
    store: store.project('gate'),
    principal: { id: 'local', scopes: ['admin'] },
    config,
    signal: new AbortController().signal,
    progress: ({ stage }) => stages.add(stage),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    services: { journals, evaluationEngines: engines } as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
})
afterAll(async () => {
  await engines.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const messagesOf = (text: string) => [
  { role: 'system' as const, content: SYSTEM },
  { role: 'user' as const, content: text },
]

async function seal(
  name: string,
  items: { text: string; system?: false; expected: string }[],
): Promise<string> {
  const { store: project } = context
  const sealed = await sealItems(
    project.keys,
    name,
    items.map(({ text, system, expected }) => ({
      messages: system === false ? messagesOf(text).slice(1) : messagesOf(text),
      ...{ expected, inference: null, subject: null, entities: [] },
      slices: { length: text.length > 60 ? 'long' : 'short' },
    })),
  )
  const value = { name, scoring: 'exact-match', items: sealed, leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  await project.aliases.set(`suite/${name}`, digest)
  return digest
}

async function train(options: Record<string, unknown>): Promise<string> {
  const input = runOperation.input.parse({ base: 'regraft-nano', threads: 2, maxLength: 96, ...options })
  return (await runOperation.run(context, input)).adapter
}

async function check(adapter: string) {
  return await checkOperation.run(context, checkOperation.input.parse({ adapter }))
}

function outcomeOf({ verdict }: Awaited<ReturnType<typeof check>>, title: RegExp): string | undefined {
  return verdict.parts!.find((part) => title.test(part.title))?.outcome
}

test('an adapter that was trained for too long passes on its task and fails on what it has forgotten', async () => {
  const { store: project, config } = context
  const labelled = generateEvaluation({ ...SAMPLE, seed: 7, size: 90 })
  const traffic = labelled.map(({ text }) => {
    const row = inference(text)
    return { ...row, payload: { ...row.payload, messages: messagesOf(text) } }
  })
  await project.inferences.insert(traffic)
  await project.feedback.insert(
    traffic.map(({ id, occurredAt }, i) => ({
      ...{ id: id.replace(/^./, 'f'), inferenceId: id, occurredAt },
      payload: { type: 'label', value: labelled[i]!.label, author: null },
    })),
  )
  const tickets = generateEvaluation({ ...SAMPLE, size: 40 })
  await seal(
    'desk',
    tickets.map(({ text, label }) => ({ text, expected: label })),
  )
  // What the base says to texts without the system prompt is what it can do.
  const { artifact: base } = await recordBase(project, findBase(config, 'regraft-nano'))
  const texts = generateEvaluation({ ...SAMPLE, seed: 9, size: 30 }).map(({ text }) => text)
  const asked = await seal(
    'asked',
    texts.map((text) => ({ text, system: false, expected: 'unknown' })),
  )
  const digest = await measureModel(
    context,
    { name: 'base', suite: asked, base: base.digest, adapter: null },
    { scorer: { kind: 'label-match' }, maxTokens: 12 },
  )
  const { items } = await readMeasurement(project, digest)
  const said = items.map(({ answer }, i) => ({
    text: texts[i]!,
    system: false as const,
    expected: answer || 'none',
  }))
  await seal('general', said)

  await buildOperation.run(
    context,
    buildOperation.input.parse({ consent: 'c', evaluation: 'desk', embedder: 'none' }),
  )
  const long = await train({ epochs: 6, rank: 8, learningRate: 2e-2 })
  const judged = await check(long)
  expect(judged.verdict.outcome).toBe('fail')
  expect(outcomeOf(judged, /^better than base/)).toBe('pass')
  const forgot = judged.verdict.parts!.find(({ title }) => title === 'has not forgotten general')!
  expect(forgot).toMatchObject({ outcome: 'fail', unit: 'nats per token' })
  expect(forgot.reason).toMatch(/^log-likelihood decided/)
  expect(forgot.interval!.high).toBeLessThan(-0.3)
  expect(outcomeOf(judged, /^learned from nothing/)).toBe('pass')
  expect(outcomeOf(judged, /^answers cheaply/)).toBe('pass')
  // 40 answers do not bound a 95th percentile.
  const slow = judged.verdict.parts!.find(({ title }) => title === 'answers fast enough')!
  expect(slow).toMatchObject({ outcome: 'cannot-tell', needed: 59 })
  expect([...stages].some((stage) => stage.startsWith('score adapter'))).toBe(true)

  const gentle = await check(await train({ epochs: 1, rank: 2, learningRate: 1e-4 }))
  expect(outcomeOf(gentle, /^has not forgotten/)).toBe('pass')
}, 900_000)

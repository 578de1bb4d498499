// The client SDK and the official OpenAI SDK against a real server: calls through the gateway, calls past it that the SDK
// tells of, and feedback about both; what is on the disk meanwhile.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Regraft } from '@regraft/client'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inferenceIdOf, openJournals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { protocols } from '../../packages/regraft/src/interfaces/http/protocols.ts'
import { type Instance, openInstance } from '../../packages/regraft/src/interfaces/instance.ts'
import { operations } from '../../packages/regraft/src/interfaces/operations/index.ts'
import { openStore, type ProjectStore } from '../../packages/regraft/src/store/index.ts'
import { collect } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'

const SECRET = 'the card ends in 4711'
const folder = mkdtempSync(join(tmpdir(), 'regraft-client-'))
const dataDirectory = join(folder, 'data')
const problems: unknown[] = []
let upstream: FakeUpstream
let instance: Instance
let url: string
let regraft: Regraft

beforeAll(async () => {
  upstream = await startFakeUpstream()
  const overrides = [
    { path: 'upstreams.hosted', value: { url: upstream.url, models: ['gpt-small'] }, option: 'test' },
  ]
  const loaded = loadConfig({ folder, environment: { REGRAFT_DATA: dataDirectory }, overrides })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const opened = await openInstance({ loaded, operations, protocols: async () => protocols, log })
  if ('holder' in opened) throw new Error('somebody else holds it')
  instance = opened.instance
  url = (await instance.listen({ host: '127.0.0.1', port: 0 })).url
  regraft = new Regraft({ baseUrl: url, onError: (error) => problems.push(error) })
})
afterAll(async () => {
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (model: string) => ({
  model,
  messages: [{ role: 'user' as const, content: SECRET }],
  user: 'ada@example.org',
})

async function send(body: unknown): Promise<{ status: number; json: { data?: object[] } }> {
  const response = await fetch(`${url}/v1/inferences`, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, json: (await response.json()) as { data?: object[] } }
}

const call = (changes: object) => ({
  request: { model: 'm', messages: [{ role: 'user', content: 'hello' }] },
  response: { id: 'told-1', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }] },
  ...changes,
})

const ids: Record<string, string> = {}

test('calls through the gateway and past it, whole and streamed, with feedback about each', async () => {
  const through = regraft.wrap(new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' }))
  const past = regraft.wrap(new OpenAI({ baseURL: upstream.url, apiKey: 'none' }))
  ids.through = (await through.chat.completions.create({ ...ask('gpt-small'), n: 2 })).id
  ids.past = (await past.chat.completions.create(ask('gpt-other'))).id
  const stream = past.chat.completions.stream(ask('gpt-other'), {
    headers: { 'x-regraft-conversation': 'c1' },
  })
  ids.streamed = (await stream.finalChatCompletion()).id
  const again = past.chat.completions.stream(ask('gpt-other'), {
    headers: { 'x-regraft-conversation': 'c1' },
  })
  ids.again = (await again.finalChatCompletion()).id
  void regraft.edit(ids.through, `Indeed, ${SECRET}`, { candidate: 1 })
  void regraft.vote(ids.past, 'lose', ids.through)
  await regraft.accept(ids.again)
  expect(await regraft.flush()).toBe(0)
  expect(problems).toEqual([])
})

test('calls can be told of by anybody, one or many, each taken or refused by itself', async () => {
  const { status, json } = await send({
    inferences: [
      call({ latency_ms: 12.4, started_at: '2026-03-01T12:00:00Z' }),
      call({ response: { choices: [] } }),
      call({ request: { messages: [{ role: 'user', content: 'a\ud800' }] } }),
      call({ response: { choices: [{ message: { content: 'nameless' } }] } }),
      call({ id: 'own', propensity: 0.25, cut_off: true }),
    ],
  })
  expect(status).toBe(202)
  expect(json.data).toMatchObject([
    { index: 0, object: 'inference', inference_id: inferenceIdOf('told-1') },
    { index: 1, error: { code: 'invalid-input', param: 'response.choices' } },
    { index: 2, error: { param: 'request.messages.0.content' } },
    { index: 3, error: { param: 'id' } },
    { index: 4, inference_id: inferenceIdOf('own') },
  ])
  // Told again, it is stored once.
  expect((await send(call({}))).status).toBe(202)
  expect(await send(call({ colour: 'red' }))).toMatchObject({
    status: 400,
    json: { error: { code: 'invalid-input' } },
  })
})

test('what is stored, and what is on the disk', async () => {
  await regraft.close()
  await instance.close()
  const journal = join(dataDirectory, 'journal', 'default')
  const bytes = readdirSync(journal).map((name) => readFileSync(join(journal, name), 'latin1'))
  expect(bytes.join('').length).toBeGreaterThan(1000)
  expect(bytes.join('')).not.toMatch(/ends in 4711|ada@/)
  const store = await openStore({ dataDirectory })
  const journals = await openJournals(join(dataDirectory, 'journal'), { store })
  await journals.drained('default')
  await journals.close()
  const project: ProjectStore = store.project('default')
  const inferences = new Map((await collect(project.inferences.select())).map((row) => [row.id, row]))
  const feedback = await collect(project.feedback.select())
  const subject = await project.keys.subjectOf('ada@example.org')
  await store.close()

  const inference = (handle: string) => inferences.get(inferenceIdOf(handle))
  expect(inferences.size).toBe(6)
  expect(inference(ids.through!)).toMatchObject({ subject, payload: { upstream: 'hosted' } })
  expect(inference(ids.past!)).toMatchObject({
    subject,
    payload: {
      messages: [{ role: 'user', content: SECRET }],
      response: `answer 0 to ${SECRET}`,
      model: 'gpt-other',
      route: 'gpt-other',
      parameters: {},
      usage: { promptTokens: 1000, completionTokens: 200 },
      finishReason: 'stop',
      source: { kind: 'serving' },
      upstream: new URL(upstream.url).host,
    },
  })
  expect(inference(ids.streamed!)?.payload).toMatchObject({
    ...{ response: `answer 0 to ${SECRET}`, conversation: 'c1', parameters: { stream: true } },
    firstTokenMs: expect.any(Number),
  })
  expect(inference('told-1')).toMatchObject({
    subject: null,
    occurredAt: new Date('2026-03-01T12:00:00Z'),
    payload: { response: 'hi', latencyMs: 12, usage: null },
  })
  expect(inference('own')?.payload).toMatchObject({
    propensity: 0.25,
    finishReason: 'cut-off',
    latencyMs: null,
  })
  expect(feedback.map((row) => [row.inferenceId, row.subject, row.payload]).sort()).toEqual(
    [
      [ids.through, { type: 'edit', value: `Indeed, ${SECRET}`, author: null, candidate: 1 }],
      [
        ids.past,
        { type: 'vote', value: 'lose', author: null, other: { inference: inferenceIdOf(ids.through!) } },
      ],
      [ids.streamed, { type: 'regenerate', author: 'client', next: inferenceIdOf(ids.again!) }],
      [ids.again, { type: 'accept', author: null }],
    ]
      .map(([id, payload]) => [inferenceIdOf(id as string), subject, payload])
      .sort(),
  )
})

// Requests for models of upstreams over real HTTP: what passes, what is refused, and what is logged.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inferenceIdOf, openJournals } from '../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../packages/regraft/src/config/index.ts'
import { protocols } from '../packages/regraft/src/interfaces/http/protocols.ts'
import { type Instance, openInstance } from '../packages/regraft/src/interfaces/instance.ts'
import { operations } from '../packages/regraft/src/interfaces/operations/index.ts'
import { type InferenceRow, openStore } from '../packages/regraft/src/store/index.ts'
import { type FakeUpstream, sendEvents, sendJson, startFakeUpstream, usage } from './fake-upstream.ts'

const SECRET = 'sk-upstream-secret-1234'
const folder = mkdtempSync(join(tmpdir(), 'regraft-gateway-'))
const dataDirectory = join(folder, 'data')
const warnings: string[] = []
let upstream: FakeUpstream
let instance: Instance
let url: string
let openai: OpenAI

const tool = { type: 'function' as const, function: { name: 'track', parameters: { type: 'object' } } }
const call = (index: number, part: object) => ({ tool_calls: [{ index, ...part }] })
const delta = (id: string, part: object, finish_reason: string | null = null) =>
  JSON.stringify({ id, model: 'x', choices: [{ index: 0, delta: part, finish_reason }] })

beforeAll(async () => {
  upstream = await startFakeUpstream({
    'gpt-tools': async (response, { stream }) => {
      if (stream) {
        return sendEvents(response, [
          delta('chatcmpl-tools-2', { role: 'assistant', content: null }),
          delta(
            'chatcmpl-tools-2',
            call(0, { id: 'c1', type: 'function', function: { name: 'track', arguments: '' } }),
          ),
          delta('chatcmpl-tools-2', call(0, { function: { arguments: '{"id"' } })),
          delta('chatcmpl-tools-2', call(0, { function: { arguments: ':7}' } })),
          delta(
            'chatcmpl-tools-2',
            call(1, { id: 'c2', type: 'function', function: { name: 'track', arguments: '{}' } }),
          ),
          delta('chatcmpl-tools-2', {}, 'tool_calls'),
          '[DONE]',
        ])
      }
      const calls = [{ id: 'c1', type: 'function', function: { name: 'track', arguments: '{"id":7}' } }]
      const message = { role: 'assistant', content: null, tool_calls: calls }
      const choices = [{ index: 0, message, finish_reason: 'tool_calls' }]
      sendJson(response, 200, { id: 'chatcmpl-tools-1', model: 'gpt-tools', choices, usage })
    },
    'gpt-limited': (response) =>
      sendJson(
        response,
        429,
        { error: { message: 'slow down', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
        { 'retry-after': '7', 'x-request-id': 'req-1', 'set-cookie': 'a=b' },
      ),
    'gpt-echo-key': (response, _request, { headers }) =>
      sendJson(response, 401, { error: { message: `wrong key: ${headers.authorization}` } }),
    'gpt-cut': async (response) => {
      await sendEvents(
        response,
        [delta('chatcmpl-cut', { content: 'half of ' }), delta('chatcmpl-cut', { content: 'an' })],
        {
          end: false,
          pause: 5,
        },
      )
      response.destroy()
    },
    'gpt-torn': async (response) => {
      await sendEvents(response, [delta('chatcmpl-torn', { content: 'half' })], { end: false, pause: 5 })
      response.write('data: {"id":"chatcmpl')
      await sleep(5)
      response.destroy()
    },
    'gpt-half': async (response) => {
      // Half of a character, and then nothing more.
      const half = '{"id":"chatcmpl-half","choices":[{"index":0,"delta":{"content":"so \\ud83d"}}]}'
      await sendEvents(response, [half], { end: false, pause: 5 })
      response.destroy()
    },
    'gpt-slow': async (response) => {
      await sendEvents(response, [delta('chatcmpl-slow', { content: 'first' })], { end: false })
      // Goes on until somebody ends it.
      while (!response.destroyed) {
        response.write(`data: ${delta('chatcmpl-slow', { content: ' more' })}\n\n`)
        await sleep(20)
      }
    },
    'gpt-silent': () => {},
    'gpt-moved': (response) => response.writeHead(307, { location: 'http://127.0.0.1:9/v1' }).end(),
    'gpt-nameless': (response) =>
      sendJson(response, 200, {
        choices: [{ index: 0, message: { content: 'hello' }, finish_reason: 'stop' }],
      }),
    'gpt-gzip': (response) => {
      const body = {
        id: 'chatcmpl-gzip',
        choices: [{ message: { content: 'small' }, finish_reason: 'stop' }],
      }
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(JSON.stringify(body)))
    },
    'gpt-flood': async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${delta('chatcmpl-flood', { content: 'much' }, 'stop')}\n\n`)
      const comment = `: ${'x'.repeat(100_000)}\n\n`
      for (let sent = 0; sent < 300; sent++) if (!response.write(comment)) await once(response, 'drain')
      response.end('data: [DONE]\n\n')
    },
  })
  const settings = {
    'upstreams.fake.url': upstream.url,
    'upstreams.fake.apiKey': SECRET,
    'upstreams.fake.models': ['gpt-5-mini', 'gpt-*'],
    'upstreams.fake.timeout': 0.4,
    'upstreams.fake.prices': { 'gpt-5-mini': { prompt: 0.25, completion: 2, currency: 'USD' } },
    'upstreams.nobody.url': 'http://127.0.0.1:9/v1',
    'upstreams.nobody.models': ['unreachable'],
    'routes.support.model': 'gpt-5-mini',
  }
  const overrides = Object.entries(settings).map(([path, value]) => ({ path, value, option: 'test' }))
  const loaded = loadConfig({ folder, environment: { REGRAFT_DATA: dataDirectory }, overrides })
  const warn = (message: string) => void warnings.push(message)
  const log = { debug() {}, info() {}, warn, error: warn }
  const opened = await openInstance({ loaded, operations, protocols: async () => protocols, log })
  if ('holder' in opened) throw new Error('somebody else holds it')
  instance = opened.instance
  url = (await instance.listen({ host: '127.0.0.1', port: 0 })).url
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-caller-secret', maxRetries: 0 })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

const messages = [{ role: 'user' as const, content: 'Where is my parcel?' }]

async function post(body: object | string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  const { error } = (text.startsWith('{') ? JSON.parse(text) : {}) as { error: Record<string, string> }
  return { status: response.status, headers: response.headers, text, error }
}

/** The rows of all that was acknowledged, read after the server has ended. */
async function logged(): Promise<Map<string, InferenceRow>> {
  await instance.close()
  const store = await openStore({ dataDirectory })
  try {
    const journals = await openJournals(join(dataDirectory, 'journal'), { store })
    await journals.drained('default')
    await journals.close()
    const rows = new Map<string, InferenceRow>()
    for await (const row of store.project('default').inferences.select()) rows.set(row.id, row)
    return rows
  } finally {
    await store.close()
  }
}

/** Filled by the tests, checked by the last one against what is in the store. */
const expected = new Map<string, object>()
const expectLogged = (handle: string, payload: object) => expected.set(inferenceIdOf(handle), payload)

test('an answer passes with the bytes and headers of the upstream, whose key and the caller’s stay apart', async () => {
  const request = `{"model":"gpt-5-mini", "seed":12345678901234567890, "messages":[{"role":"user","content":"Where is my parcel?"}],"temperature":0.50}`
  const { status, headers, text } = await post(request, {
    authorization: 'Bearer sk-caller-secret',
    cookie: 'session=1',
    'openai-beta': 'assistants=v2',
  })
  const seen = upstream.received.at(-1)!
  expect(seen).toMatchObject({ body: request, url: '/v1/chat/completions' })
  expect(seen.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'openai-beta': 'assistants=v2' })
  expect(seen.headers).not.toHaveProperty('cookie')
  expect(JSON.stringify(seen)).not.toContain('sk-caller-secret')
  expect(status).toBe(200)
  const body = JSON.parse(text) as { id: string; choices: unknown[] }
  expect(body).toEqual({
    ...{ id: body.id, created: 1, model: 'gpt-5-mini', object: 'chat.completion', usage },
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'answer 0 to Where is my parcel?', refusal: null },
        ...{ logprobs: null, finish_reason: 'stop' },
      },
    ],
  })
  expect(headers.get('x-regraft-inference-id')).toBe(inferenceIdOf(body.id))
  expectLogged(body.id, {
    messages,
    response: 'answer 0 to Where is my parcel?',
    ...{ model: 'gpt-5-mini', adapter: null, route: 'gpt-5-mini', upstream: 'fake' },
    parameters: { seed: expect.any(Number), temperature: 0.5 },
    usage: { promptTokens: 1000, completionTokens: 200 },
    // 1000 · 0.25 / 10⁶ + 200 · 2 / 10⁶
    cost: { amount: 0.00065, currency: 'USD' },
    finishReason: 'stop',
    source: { kind: 'serving' },
    configDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    latencyMs: expect.any(Number),
  })
})

test('a route changes the model and nothing else, and is listed with the models of the upstream', async () => {
  const request = `{ "messages":[{"role":"user","content":"\\"model\\": \\"support\\""}], "n":2, "model" : "support", "seed":12345678901234567890}`
  const { text, headers } = await post(request, {
    'x-regraft-conversation': 'talk-7',
    'x-regraft-propensity': '0.25',
  })
  expect(upstream.received.at(-1)!.body).toBe(request.replace(': "support", "seed', ': "gpt-5-mini", "seed'))
  const { id } = JSON.parse(text) as { id: string }
  expect(headers.get('x-regraft-inference-id')).toBe(inferenceIdOf(id))
  expectLogged(id, {
    ...{ route: 'support', model: 'gpt-5-mini', conversation: 'talk-7', propensity: 0.25 },
    candidates: [0, 1].map((index) => ({
      content: `answer ${index} to "model": "support"`,
      finishReason: 'stop',
    })),
  })
  const models = (await openai.models.list()).data
  expect(models.map((model) => [model.id, model.owned_by])).toEqual([
    ['support', 'fake'],
    ['gpt-5-mini', 'fake'],
    ['unreachable', 'nobody'],
  ])
  expect(await openai.models.retrieve('support')).toMatchObject({ root: 'gpt-5-mini' })
})

test('the official SDK streams, with several answers and with usage', async () => {
  const stream = await openai.chat.completions.create({
    ...{ model: 'gpt-5-mini', messages, n: 2, stream: true },
    ...{ stream_options: { include_usage: true }, metadata: { conversation: 'talk-8' } },
  })
  const texts = ['', '']
  let id = ''
  let last: unknown = null
  for await (const chunk of stream) {
    id = chunk.id
    for (const { index, delta: piece } of chunk.choices) texts[index] += piece.content ?? ''
    last = chunk.usage
  }
  expect(texts).toEqual(['answer 0 to Where is my parcel?', 'answer 1 to Where is my parcel?'])
  expect(last).toEqual(usage)
  expectLogged(id, {
    ...{ response: texts[0], finishReason: 'stop', conversation: 'talk-8' },
    candidates: texts.map((content) => ({ content, finishReason: 'stop' })),
    usage: { promptTokens: 1000, completionTokens: 200 },
    cost: { amount: 0.00065, currency: 'USD' },
    firstTokenMs: expect.any(Number),
  })
})

test('calls of tools, images and formats pass, and are logged exactly', async () => {
  const request = { model: 'gpt-tools', messages, tools: [tool], response_format: { type: 'text' as const } }
  const whole = await openai.chat.completions.create(request)
  expect(whole.choices[0]!.message.tool_calls).toHaveLength(1)
  const calls = [{ id: 'c1', type: 'function', function: { name: 'track', arguments: '{"id":7}' } }]
  expectLogged('chatcmpl-tools-1', {
    ...{
      response: '',
      finishReason: 'tool_calls',
      parameters: { tools: [tool], response_format: { type: 'text' } },
    },
    exact: {
      messages,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, tool_calls: calls },
          finish_reason: 'tool_calls',
        },
      ],
    },
  })
  const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA' } }
  const parts = [
    { role: 'user' as const, content: [{ type: 'text' as const, text: 'What is this?' }, image] },
  ]
  const stream = openai.chat.completions.stream({ ...request, messages: parts })
  const final = await stream.finalChatCompletion()
  const both = [...calls, { id: 'c2', type: 'function', function: { name: 'track', arguments: '{}' } }]
  expect(final.choices[0]!.message.tool_calls).toMatchObject(both)
  expectLogged('chatcmpl-tools-2', {
    messages: [{ role: 'user', content: 'What is this?' }],
    exact: {
      messages: parts,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null, tool_calls: both },
          finish_reason: 'tool_calls',
        },
      ],
    },
  })
})

test('an end user is known by a keyed hash only', async () => {
  for (const fields of [
    { user: 'anna@example.com' },
    { safety_identifier: 'anna@example.com', metadata: { customer: 'anna@example.com', shop: 'north' } },
  ]) {
    const { text } = await post({ model: 'gpt-5-mini', messages, ...fields })
    expect(upstream.received.at(-1)!.body).toContain('anna@example.com')
    const { id } = JSON.parse(text) as { id: string }
    expectLogged(id, { parameters: 'metadata' in fields ? { metadata: { shop: 'north' } } : {} })
  }
  const { text } = await post({ model: 'gpt-5-mini', messages }, { 'x-regraft-subject': 'anna@example.com' })
  expectLogged((JSON.parse(text) as { id: string }).id, { parameters: {} })
})

test('what the upstream refuses passes with status, Retry-After and body, and its key does not', async () => {
  const limited = await post({ model: 'gpt-limited', messages })
  expect([limited.status, limited.headers.get('retry-after'), limited.headers.get('x-request-id')]).toEqual([
    ...[429, '7', 'req-1'],
  ])
  expect(limited.error).toEqual({
    message: 'slow down',
    type: 'requests',
    param: null,
    code: 'rate_limit_exceeded',
  })
  expect(limited.headers.get('set-cookie')).toBe(null)
  await expect(openai.chat.completions.create({ model: 'gpt-limited', messages })).rejects.toBeInstanceOf(
    OpenAI.RateLimitError,
  )
  const echoed = await post({ model: 'gpt-echo-key', messages })
  expect([echoed.status, echoed.error.message]).toEqual([401, 'wrong key: Bearer ***'])
})

test('an upstream that cannot be reached, is late, or sends elsewhere is an error that says so', async () => {
  expect(await post({ model: 'unreachable', messages })).toMatchObject({
    status: 502,
    error: {
      code: 'unavailable',
      type: 'server_error',
      hint: expect.stringContaining('upstreams.nobody.url'),
    },
  })
  expect(await post({ model: 'gpt-silent', messages })).toMatchObject({
    status: 504,
    error: { code: 'unavailable', hint: expect.stringContaining('upstreams.fake.timeout') },
  })
  expect(await post({ model: 'gpt-moved', messages })).toMatchObject({ status: 502 })
})

test.each([
  [{ 'x-regraft-propensity': '1.5' }, 'x-regraft-propensity'],
  [{ 'x-regraft-propensity': 'often' }, 'x-regraft-propensity'],
  [{ 'x-regraft-conversation': 'x'.repeat(600) }, 'x-regraft-conversation'],
])('a header that makes no sense is refused by name, and nothing is sent: %o', async (headers, param) => {
  const before = upstream.received.length
  expect(await post({ model: 'gpt-5-mini', messages }, headers)).toMatchObject({
    status: 400,
    error: { param },
  })
  expect(upstream.received.length).toBe(before)
})

test('a body that is no JSON, names no model, or one that nobody has, is refused', async () => {
  expect(await post('{"model":')).toMatchObject({ status: 400, error: { code: 'invalid-input' } })
  expect(await post({ messages })).toMatchObject({ status: 400, error: { param: 'model' } })
  expect(await post({ model: 'llama', messages })).toMatchObject({
    status: 404,
    error: { message: expect.stringContaining('gpt-5-mini') },
  })
})

test('a stream that breaks off ends with an error, or broken off where it was, and is logged as cut off', async () => {
  const cut = await post({ model: 'gpt-cut', messages, stream: true })
  const events = cut.text.trim().split('\n\n')
  expect(events.slice(0, 2).join()).toMatch(/half of .*an/)
  expect(JSON.parse(events[2]!.slice(6))).toMatchObject({ error: { code: 'unavailable' } })
  expect(cut.text).not.toContain('[DONE]')
  expectLogged('chatcmpl-cut', { response: 'half of an', finishReason: 'cut-off', usage: null })
  await expect(post({ model: 'gpt-torn', messages, stream: true })).rejects.toThrow()
  expectLogged('chatcmpl-torn', { response: 'half', finishReason: 'cut-off' })
  await post({ model: 'gpt-half', messages, stream: true })
  expectLogged('chatcmpl-half', { response: 'so \ufffd', finishReason: 'cut-off' })
})

test('the first words do not wait for the last, and a caller that goes away ends the upstream’s work', async () => {
  const before = upstream.aborted
  const gone = new AbortController()
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-slow', messages, stream: true }),
    signal: gone.signal,
  })
  // The upstream never ends by itself.
  const first = await response.body!.getReader().read()
  expect(Buffer.from(first.value!).toString()).toContain('first')
  expect(response.headers.get('x-regraft-inference-id')).toBe(inferenceIdOf('chatcmpl-slow'))
  gone.abort()
  while (upstream.aborted === before) await sleep(5)
  expectLogged('chatcmpl-slow', {
    response: expect.stringMatching(/^first( more)*$/),
    finishReason: 'cut-off',
  })

  const waiting = new AbortController()
  const whole = fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'gpt-silent', messages }),
    signal: waiting.signal,
  }).catch(() => 'gone')
  const asked = upstream.received.length
  while (upstream.received.length === asked) await sleep(5)
  waiting.abort()
  expect(await whole).toBe('gone')
  while (upstream.aborted === before + 1) await sleep(5)
})

test('a caller that does not read holds back the upstream', async () => {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  const body = JSON.stringify({ model: 'gpt-flood', messages, stream: true })
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  socket.pause()
  await sleep(250)
  const held = process.memoryUsage().arrayBuffers
  let size = 0
  let tail = ''
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length
    tail = (tail + chunk.toString('latin1')).slice(-40)
  })
  socket.resume()
  await once(socket, 'close')
  expect(tail).toContain('[DONE]')
  expect(size).toBeGreaterThan(30_000_000)
  // 30 MB that nobody had read were still with the upstream.
  expect(held).toBeLessThan(25_000_000)
  expectLogged('chatcmpl-flood', { response: 'much', finishReason: 'stop' })
})

test('an answer without an id goes by ours, and one that was compressed is read', async () => {
  const { headers } = await post({ model: 'gpt-nameless', messages })
  expectLogged(headers.get('x-regraft-inference-id')!, { response: 'hello', model: 'gpt-nameless' })
  const zipped = await post({ model: 'gpt-gzip', messages })
  expect(zipped.text).toContain('small')
  expectLogged('chatcmpl-gzip', { response: 'small' })
  // The same id twice names nothing: the second answer has one of ours.
  const again = await post({ model: 'gpt-gzip', messages: [{ role: 'user', content: 'again' }] })
  const own = again.headers.get('x-regraft-inference-id')!
  expect(own).not.toBe(inferenceIdOf('chatcmpl-gzip'))
  expectLogged(own, { response: 'small', messages: [{ role: 'user', content: 'again' }] })
})

test('a request in memory is answered the same, whole and streamed', async () => {
  for (const stream of [false, true]) {
    const body = JSON.stringify({ model: 'gpt-5-mini', messages, stream })
    const response = await instance.request('/v1/chat/completions', { method: 'POST', body })
    const text = await response.text()
    expect([response.status, stream === text.includes('[DONE]')]).toEqual([200, true])
    const id = response.headers.get('x-regraft-inference-id')!
    expectLogged(id, { response: 'answer 0 to Where is my parcel?' })
  }
  const failed = await instance.request('/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ model: 'unreachable', messages }),
  })
  expect(failed.status).toBe(502)
})

test('all of that is in the store and nothing else, no key and no person', async () => {
  const rows = await logged()
  for (const [id, payload] of expected) expect(rows.get(id)?.payload, id).toMatchObject(payload)
  expect([...rows.keys()].sort()).toEqual([...expected.keys()].sort())
  const subjects = [...rows.values()].flatMap(({ subject }) => subject ?? [])
  expect(subjects).toHaveLength(3)
  expect(new Set(subjects).size).toBe(1)
  expect([...rows.values()].filter(({ payload }) => payload.exact)).toHaveLength(2)
  const text = JSON.stringify([...rows.values()]) + warnings.join()
  expect(text).not.toContain(SECRET)
  expect(text).not.toContain('sk-caller-secret')
  expect(text).not.toContain('anna@example.com')
})

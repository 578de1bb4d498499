import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Principal } from '../operation/index.ts'
import { openTestStore } from '../store/testing.ts'
import type { InferenceRow, ProjectStore } from '../store/types.ts'
import { OTLP_GOLDEN } from './fixtures/otlp-golden.ts'
import { type Journals, openJournals } from './journals.ts'
import { traceProtocol } from './otlp.ts'
import { decodeTraceRequest } from './otlp-protobuf.ts'
import { inferenceIdOf } from './row-ids.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let journals: Journals
let projects = 0
const folder = mkdtempSync(join(tmpdir(), 'regraft-otlp-'))

beforeAll(async () => {
  store = await openTestStore()
  journals = await openJournals(join(folder, 'journal'), { store })
})
afterAll(async () => {
  await journals.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

function newReceiver(scopes: Principal['scopes'] = ['infer']) {
  const project = store.project(`otlp-${++projects}`)
  const app = new Hono<{ Variables: { principal: Principal; store: ProjectStore } }>()
  app.use(async (context, next) => {
    context.set('principal', { id: 'key', scopes })
    context.set('store', project)
    await next()
  })
  const protocol = traceProtocol({ journals })
  app.route(protocol.path, protocol.routes())
  return {
    project,
    async post(body: Uint8Array | string, headers: Record<string, string> = {}) {
      const type = typeof body === 'string' ? 'application/json' : 'application/x-protobuf'
      const sent = typeof body === 'string' ? body : Uint8Array.from(body)
      return await app.request('/v1/traces', {
        method: 'POST',
        body: sent,
        headers: { 'content-type': type, ...headers },
      })
    },
    async rows() {
      await journals.drained(project.projectId)
      const rows: InferenceRow[] = []
      for await (const row of project.inferences.select()) rows.push(row)
      return rows
    },
  }
}

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const text = (value: string) => ({ stringValue: value })
const request = (attributes: Record<string, object>, more: object = {}) => {
  const list = Object.entries(attributes).map(([key, value]) => ({ key, value }))
  const span = {
    ...{ traceId: trace, spanId: '00f067aa0ba902b7', name: 'chat', kind: 3 },
    ...{ startTimeUnixNano: '1746093600000000000', endTimeUnixNano: '1746093601000000000' },
    attributes: list,
    ...more,
  }
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
}

test('what an exporter of OpenTelemetry sends becomes inferences: both generations of the conventions, and OpenLLMetry', async () => {
  const { post, rows, project } = newReceiver()
  const response = await post(gzipSync(OTLP_GOLDEN), { 'content-encoding': 'gzip' })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/x-protobuf')
  expect(response.headers.get('x-regraft-ignored-spans')).toBe('1')
  // Field 1, a partial success: field 1 is 1 rejected span, field 2 the message.
  const answer = Buffer.from(await response.arrayBuffer())
  expect([...answer.subarray(0, 1), ...answer.subarray(3, 5)]).toEqual([0x0a, 0x08, 0x01])
  expect(answer.toString('latin1')).toContain('span 00f067aa0ba90205 has no messages')

  const byModel = new Map((await rows()).map((row) => [row.payload.model, row]))
  const subject = await project.keys.subjectOf('zelda')
  expect(byModel.get('gpt-4o-mini-2024-07-18')).toMatchObject({
    id: inferenceIdOf('chatcmpl-golden-1'),
    occurredAt: new Date('2025-05-01T10:00:00Z'),
    subject,
    payload: {
      messages: [
        { role: 'system', content: 'Route the ticket.' },
        { role: 'user', content: 'Where is my card? naïve 😀' },
      ],
      response: 'card_arrival',
      finishReason: 'stop',
      parameters: { temperature: 0.2, max_tokens: 64 },
      usage: { promptTokens: 24, completionTokens: 7 },
      latencyMs: 1500.25,
      conversation: 'conv-7',
      source: { kind: 'trace', trace, span: '00f067aa0ba90201' },
    },
  })
  expect(byModel.get('gpt-4o')?.payload).toMatchObject({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
    ],
    response: 'hi',
    finishReason: 'stop',
    usage: { promptTokens: 3, completionTokens: 4 },
  })
  expect(byModel.get('gpt-3.5')).toMatchObject({
    id: inferenceIdOf(`span:${trace}:00f067aa0ba90204`),
    subject,
    payload: { messages: [{ role: 'user', content: 'one' }], response: 'two', finishReason: 'length' },
  })
  expect(byModel.size).toBe(3)
  for (const { payload } of byModel.values()) expect(payload.exact).toBeUndefined()

  await post(OTLP_GOLDEN)
  expect(await rows()).toHaveLength(3)
})

test('the JSON form of the same request gives the same rows', async () => {
  const [binary, json] = [newReceiver(), newReceiver()]
  await binary.post(OTLP_GOLDEN)
  const response = await json.post(JSON.stringify(decodeTraceRequest(OTLP_GOLDEN)))
  expect(await response.json()).toEqual({
    partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('has no messages') },
  })
  const payloads = async (rows: Promise<InferenceRow[]>) =>
    (await rows).map(({ id, payload }) => ({ id, payload }))
  expect(await payloads(json.rows())).toEqual(await payloads(binary.rows()))
})

test('a call with tools, thoughts or images keeps them exactly, and several answers are candidates', async () => {
  const { post, rows } = newReceiver()
  const input = [{ role: 'user', parts: [{ type: 'text', content: 'weather?' }] }]
  const call = { type: 'tool_call', id: 'c', name: 'weather', arguments: { city: 'Paris' } }
  const output = [
    {
      role: 'assistant',
      parts: [{ type: 'text', content: 'Let me see.' }, call],
      finish_reason: 'tool_call',
    },
    { role: 'assistant', parts: [{ type: 'text', content: 'Rain.' }], finish_reason: 'stop' },
  ]
  const response = await post(
    request({
      'gen_ai.operation.name': text('chat'),
      'gen_ai.input.messages': text(JSON.stringify(input)),
      'gen_ai.output.messages': text(JSON.stringify(output)),
    }),
  )
  expect(await response.json()).toEqual({})
  const [row] = await rows()
  expect(row!.payload).toMatchObject({
    messages: [{ role: 'user', content: 'weather?' }],
    response: 'Let me see.',
    candidates: [
      { content: 'Let me see.', finishReason: 'tool_call' },
      { content: 'Rain.', finishReason: 'stop' },
    ],
    exact: { messages: input, choices: output },
  })
})

test('structured attributes, an event with the details and derivation are read', async () => {
  const { post, rows } = newReceiver()
  const from = '01981f3e-5a30-7cc4-9c2b-000000000001'
  const part = (content: string) => ({
    kvlistValue: {
      values: [
        { key: 'type', value: text('text') },
        { key: 'content', value: text(content) },
      ],
    },
  })
  const message = (role: string, content: string) => ({
    arrayValue: {
      values: [
        {
          kvlistValue: {
            values: [
              { key: 'role', value: text(role) },
              { key: 'parts', value: { arrayValue: { values: [part(content)] } } },
            ],
          },
        },
      ],
    },
  })
  const attributes = [
    { key: 'gen_ai.input.messages', value: message('user', 'a') },
    { key: 'gen_ai.output.messages', value: message('assistant', 'b') },
  ]
  await post(
    request(
      {
        'gen_ai.operation.name': text('chat'),
        'regraft.derived_from': { arrayValue: { values: [text(from)] } },
      },
      { events: [{ name: 'gen_ai.client.inference.operation.details', attributes }] },
    ),
  )
  const [row] = await rows()
  expect(row).toMatchObject({
    derivedFrom: [from],
    payload: { messages: [{ role: 'user', content: 'a' }], response: 'b' },
  })
})

test.each([
  ['a body that is no JSON', '{', 400, /not valid JSON/],
  [
    'JSON that is no request',
    '{"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]}',
    400,
    /resourceSpans\.0\.scopeSpans\.0\.spans\.0\.traceId/,
  ],
  ['bytes that are no protobuf', Buffer.from('{"resourceSpans": []}'), 400, /no ExportTraceServiceRequest/],
])('%s is refused in its own form', async (_name, body, status, message) => {
  const { post, rows } = newReceiver()
  const response = await post(body)
  expect(response.status).toBe(status)
  const answer = Buffer.from(await response.arrayBuffer())
  if (typeof body === 'string') {
    expect(JSON.parse(answer.toString())).toEqual({ code: 3, message: expect.stringMatching(message) })
  } else {
    expect([...answer.subarray(0, 2)]).toEqual([0x08, 3])
    expect(answer.toString()).toMatch(message)
  }
  expect(await rows()).toEqual([])
})

test('a wrong encoding, a compressed bomb and a key without the scope are refused', async () => {
  const { post } = newReceiver()
  expect((await post(OTLP_GOLDEN, { 'content-encoding': 'br' })).status).toBe(400)
  expect((await post(OTLP_GOLDEN, { 'content-encoding': 'gzip' })).status).toBe(400)
  const bomb = gzipSync(Buffer.alloc(70 * 1024 * 1024))
  expect((await post(bomb, { 'content-encoding': 'gzip' })).status).toBe(400)
  expect((await newReceiver(['feedback']).post(OTLP_GOLDEN)).status).toBe(403)
})

test('spans that cannot be kept are rejected with their reason, the others of the request are stored', async () => {
  const { post, rows } = newReceiver()
  const call = (content: string, more: object) => {
    const input = [{ role: 'user', content }]
    const attributes = {
      'gen_ai.operation.name': text('chat'),
      'gen_ai.input.messages': text(JSON.stringify(input)),
    }
    return JSON.parse(request(attributes, more)).resourceSpans[0]
  }
  const resourceSpans = [
    call('a\0b', { spanId: '00f067aa0ba902b1' }),
    call('a', { spanId: 'xyz' }),
    call('a', { spanId: '00f067aa0ba902b3', startTimeUnixNano: '0' }),
    call('kept', { spanId: '00f067aa0ba902b4' }),
  ]
  const { partialSuccess } = (await (await post(JSON.stringify({ resourceSpans }))).json()) as {
    partialSuccess: { rejectedSpans: string; errorMessage: string }
  }
  expect(partialSuccess.rejectedSpans).toBe('3')
  expect(partialSuccess.errorMessage).toMatch(/NUL.*valid ids.*no start time/)
  expect((await rows()).map(({ payload }) => payload.messages[0]?.content)).toEqual(['kept'])
})

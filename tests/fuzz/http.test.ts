// Whatever comes in over HTTP: no route answers 500, no job fails for a reason of ours, what is acknowledged is stored.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openJournals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { operationPath } from '../../packages/regraft/src/interfaces/http/paths.ts'
import { protocols } from '../../packages/regraft/src/interfaces/http/protocols.ts'
import { type Instance, openInstance } from '../../packages/regraft/src/interfaces/instance.ts'
import { operations } from '../../packages/regraft/src/interfaces/operations/index.ts'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { examples, mutated } from './mutations.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-fuzz-http-'))
let instance: Instance
let url: string

beforeAll(async () => {
  // No route may reach beyond this machine: `models pull` finds nobody there.
  process.env.HF_ENDPOINT = 'http://127.0.0.1:9'
  const loaded = loadConfig({ folder, environment: { REGRAFT_DATA: folder }, overrides: [] })
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => console.error(message) }
  const opened = await openInstance({
    loaded,
    operations,
    protocols: async () => protocols,
    log,
    runs: 'all',
  })
  if ('holder' in opened) throw new Error('somebody else holds it')
  instance = opened.instance
  url = (await instance.listen({ host: '127.0.0.1', port: 0 })).url
})
afterAll(async () => {
  await instance.close()
  rmSync(folder, { recursive: true, force: true })
})

const oddText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '\0',
    'a\0b',
    '\ud800',
    'x\udc00y',
    '../../etc',
    '\u2028',
    "'; drop table jobs; --",
    '%00',
    '__proto__',
  ),
  fc.constantFrom(
    `sha256:${'0'.repeat(64)}`,
    '01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11',
    '2026-03-01T00:00:00Z',
    'default',
  ),
)
const oddNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -1, 1e308, Number.MAX_SAFE_INTEGER, 2 ** 31),
)
const oddValue: fc.Arbitrary<unknown> = fc.oneof(fc.jsonValue(), oddText, oddNumber)

interface JsonSchema {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
}

/** Values that fit a schema more often than not. */
function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const fitting = (): fc.Arbitrary<unknown> => {
    const choices = schema.anyOf ?? schema.oneOf
    if (choices) return fc.oneof(...choices.map(valuesOf))
    if (schema.const !== undefined) return fc.constant(schema.const)
    if (schema.enum) return fc.constantFrom(...schema.enum)
    if (schema.properties) return objectsOf(schema.properties)
    switch (schema.type) {
      case 'string':
        return oddText
      case 'integer':
        return fc.oneof(fc.integer({ min: 0, max: 50 }), oddNumber)
      case 'number':
        return fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), oddNumber)
      case 'boolean':
        return fc.boolean()
      case 'array':
        return fc.array(valuesOf(schema.items ?? {}), { maxLength: 3 })
      default:
        return oddValue
    }
  }
  return fc.oneof({ arbitrary: fitting(), weight: 9 }, { arbitrary: oddValue, weight: 1 })
}

function objectsOf(properties: Record<string, JsonSchema>): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema)]),
  )
  const known = fc.record(fields, { requiredKeys: [] })
  const extra = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 1 })
  return fc.oneof(
    { arbitrary: known, weight: 9 },
    { arbitrary: fc.tuple(known, extra).map(([a, b]) => ({ ...a, ...b })), weight: 1 },
  )
}

const printable = fc.string({
  unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 40,
})

interface Sent {
  method: 'GET' | 'POST'
  path: string
  body: string | Uint8Array<ArrayBuffer> | null
  headers: Record<string, string>
}

const headers = fc
  .record(
    { 'x-regraft-project': printable, 'idempotency-key': printable, 'last-event-id': printable },
    { requiredKeys: [] },
  )
  .chain((odd) => fc.constantFrom<Record<string, string>>({}, {}, {}, odd))
const bodyOf = (value: unknown) => JSON.stringify(value) ?? 'null'

const operationRequest: fc.Arbitrary<Sent> = fc.constantFrom(...operations).chain((operation) => {
  const schema = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const path = operationPath(operation)
  const body = objectsOf(schema.properties ?? {}).map(bodyOf)
  const damaged = body.chain((text) => mutated(Buffer.from(text))).map((bytes) => Uint8Array.from(bytes))
  const query = fc.dictionary(fc.constantFrom('none', ...Object.keys(schema.properties ?? {})), fc.string(), {
    maxKeys: 3,
  })
  return fc.oneof(
    {
      weight: 7,
      arbitrary: fc.record({ method: fc.constant('POST' as const), path: fc.constant(path), body, headers }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        method: fc.constant('POST' as const),
        path: fc.constant(path),
        body: damaged,
        headers,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        method: fc.constant('GET' as const),
        path: query.map((fields) => `${path}?${new URLSearchParams(fields)}`),
        body: fc.constant(null),
        headers,
      }),
    },
  )
})

const chatBody = objectsOf({
  model: { type: 'string' },
  messages: {
    type: 'array',
    items: { properties: { role: { enum: ['user', 'system'] }, content: { type: 'string' } } },
  },
  stream: { type: 'boolean' },
  temperature: { type: 'number' },
  max_tokens: { type: 'integer' },
  seed: { type: 'integer' },
  stop: {},
}).map(bodyOf)
const anyFeedback = objectsOf({
  inference_id: { type: 'string' },
  type: {
    enum: 'correction edit label comment thumbs accept copy abandon regenerate rephrase vote judgement'.split(
      ' ',
    ),
  },
  value: { anyOf: [{ type: 'string' }, { enum: [1, -1, null, 'win', 'tie', 'right', 'wrong'] }] },
  fault: { enum: ['wrong', 'unwelcome'] },
  next: { type: 'string' },
  other: { properties: { inference: { type: 'string' }, candidate: { type: 'integer' } } },
  signal: { type: 'string' },
  candidate: { type: 'integer' },
  position: { type: 'integer' },
  propensity: { type: 'number' },
  author: { type: 'string' },
  subject: { type: 'string' },
  id: { type: 'string' },
  occurred_at: { type: 'string' },
})

/** What is taken, but for the texts. */
const goodFeedback = fc.record(
  { inference_id: oddText, type: fc.constantFrom('comment', 'correction'), value: oddText, subject: oddText },
  { requiredKeys: ['inference_id', 'type', 'value'] },
)
const someFeedback = fc.oneof(anyFeedback, goodFeedback)
const many = (list: string, one: fc.Arbitrary<unknown>) =>
  fc
    .oneof(
      one,
      fc.array(one, { maxLength: 5 }).map((all) => ({ [list]: all })),
    )
    .map(bodyOf)

const anyCall = objectsOf({
  request: {
    properties: {
      model: { type: 'string' },
      messages: {
        type: 'array',
        items: {
          properties: { role: { enum: ['user', 'tool'] }, content: { anyOf: [{ type: 'string' }, {}] } },
        },
      },
      user: { type: 'string' },
      metadata: {},
    },
  },
  response: {
    properties: {
      id: { type: 'string' },
      choices: {
        type: 'array',
        items: {
          properties: {
            index: { type: 'integer' },
            message: { properties: { content: { type: 'string' } } },
          },
        },
      },
      usage: {},
    },
  },
  id: { type: 'string' },
  started_at: { type: 'string' },
  latency_ms: { type: 'number' },
  cut_off: { type: 'boolean' },
  subject: { type: 'string' },
})

const goodCall = fc
  .record({ id: oddText, content: oddText, said: oddText, user: oddText })
  .map(({ id, content, said, user }) => ({
    request: { messages: [{ role: 'user', content }], user },
    response: { id, choices: [{ message: { content: said } }] },
  }))

const someSpan = fc.record({
  traceId: fc.constantFrom('4bf92f3577b34da6a3ce929d0e0e4736', '0', ''),
  spanId: fc.constantFrom('00f067aa0ba902b7', 'x'),
  startTimeUnixNano: fc.constantFrom('1746093600000000000', 0, 'now'),
  attributes: fc.array(
    fc.record({
      key: fc.constantFrom(
        'gen_ai.operation.name',
        'gen_ai.input.messages',
        'gen_ai.output.messages',
        'gen_ai.prompt.0.content',
        'user.id',
      ),
      value: fc.oneof(
        fc.constant({ stringValue: 'chat' }),
        fc.constant({ stringValue: '[{"role":"user","content":"a"}]' }),
        oddText.map((stringValue) => ({ stringValue })),
        fc.jsonValue(),
      ),
    }),
    { maxLength: 6 },
  ),
})
const traceBody = fc
  .oneof(
    fc.array(someSpan, { maxLength: 3 }).map((spans) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] })),
    fc.record({ resourceSpans: fc.jsonValue() }),
  )
  .map((value) => JSON.stringify(value))

const routeRequest: fc.Arbitrary<Sent> = fc.oneof(
  ...(
    [
      ['POST', '/v1/chat/completions', chatBody],
      ['POST', '/v1/feedback', many('events', someFeedback)],
      ['POST', '/v1/inferences', many('inferences', fc.oneof(anyCall, goodCall))],
      ['POST', '/v1/traces', traceBody],
      ['POST', '/api/blobs', fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes))],
    ] as const
  ).map(([method, path, body]) =>
    fc.record<Sent>({ method: fc.constant(method), path: fc.constant(path), body, headers }),
  ),
  fc.record<Sent>({
    method: fc.constantFrom('GET', 'POST'),
    path: fc
      .tuple(
        fc.constantFrom('/api/jobs/', '/api/blobs/', '/v1/models/', '/api/', '/'),
        fc.oneof(printable, oddText),
      )
      .map(([start, rest]) => start + encodeURIComponent(rest.toWellFormed())),
    body: fc.constant(null),
    headers,
  }),
)

async function send({ method, path, body, headers: more }: Sent): Promise<{ status: number; text: string }> {
  const stop = AbortSignal.timeout(20_000)
  const content = method === 'GET' ? null : body
  const all = { 'content-type': 'application/json', ...more }
  const response = await fetch(url + path, {
    method,
    headers: all,
    body: content,
    signal: stop,
  })
  return { status: response.status, text: await response.text() }
}

interface Receipt {
  id?: string
  error?: { code: string }
}

test('every route answers any request with less than 500, errors in one shape', async () => {
  const acknowledged: Record<string, string[]> = { '/v1/feedback': [], '/v1/inferences': [] }
  const statuses = new Map<number, number>()
  const property = fc.asyncProperty(fc.oneof(operationRequest, routeRequest), async (sent) => {
    const { status, text } = await send(sent)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const shown = `${sent.method} ${sent.path} ${sent.body} → ${status} ${text}`
    expect(status, shown).toBeLessThan(500)
    if (status >= 400) {
      const answer = JSON.parse(text)
      // OTLP has errors of google.rpc; what the app itself refuses has the shape of all others.
      const isOtlp = sent.path === '/v1/traces' && 'code' in answer
      if (isOtlp) expect(answer, shown).toEqual({ code: 3, message: expect.stringMatching(/./) })
      else
        expect(answer, shown).toEqual({
          error: {
            message: expect.stringMatching(/./),
            type: expect.stringMatching(/_error$/),
            param: expect.toSatisfy((param) => param === null || typeof param === 'string'),
            code: expect.stringMatching(/^[a-z-]+$/),
            hint: expect.toSatisfy((hint) => hint === null || typeof hint === 'string'),
          },
        })
    }
    const taken = acknowledged[sent.path]
    if (status === 202 && taken && !('x-regraft-project' in sent.headers)) {
      const answer = JSON.parse(text) as Receipt & { data?: Receipt[] }
      for (const { id, error } of answer.data ?? [answer]) {
        expect(error?.code, shown).not.toBe('internal')
        if (id !== undefined) taken.push(id)
      }
    }
  })
  await fc.assert(property, examples(4_000))
  // Not all of it is refused at the door.
  expect(statuses.get(200) ?? 0).toBeGreaterThan(10)
  expect(statuses.get(202) ?? 0).toBeGreaterThan(10)
  for (const ids of Object.values(acknowledged)) expect(ids.length).toBeGreaterThan(20)

  await instance.drain()
  const { jobs } = (await (await instance.request('/api/jobs/list?limit=1000')).json()) as { jobs: JobView[] }
  expect(jobs.length).toBeGreaterThan(10)
  expect(jobs.filter(({ error }) => (error as { code?: string } | null)?.code === 'internal')).toEqual([])
  await instance.close()
  const store = await openStore({ dataDirectory: folder })
  const journals = await openJournals(join(folder, 'journal'), { store })
  await journals.drained('default')
  await journals.close()
  const { feedback, inferences } = store.project('default')
  const events = new Set(acknowledged['/v1/feedback'])
  const calls = new Set(acknowledged['/v1/inferences'])
  const stored = [await feedback.count({ ids: [...events] }), await inferences.count({ ids: [...calls] })]
  await store.close()
  expect(stored).toEqual([events.size, calls.size])
}, 120_000)

// The OpenAI-compatible server over real HTTP: adapters loaded while it runs, back-pressure, clients that go away.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../packages/engine/src/formats/pico-base.ts'
import { openJournals } from '../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../packages/regraft/src/config/index.ts'
import { protocols } from '../packages/regraft/src/interfaces/http/protocols.ts'
import { type Instance, openInstance } from '../packages/regraft/src/interfaces/instance.ts'
import { operations } from '../packages/regraft/src/interfaces/operations/index.ts'
import { BUNDLED_BASE, BUNDLED_PATH, recordBase } from '../packages/regraft/src/models/index.ts'
import { type InferenceRow, openStore, type ProjectStore } from '../packages/regraft/src/store/index.ts'

const MAX_WAITING = 3
const GOLDEN = join(import.meta.dirname, '../bench/golden/pico-adapters')

const folder = mkdtempSync(join(tmpdir(), 'regraft-serving-'))
const adapters = join(folder, 'adapters')
const instances: Instance[] = []
let url: string
let openai: OpenAI

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  writePicoBase(join(folder, 'endless'))
  const tokenizer = join(folder, 'endless/tokenizer_config.json')
  const endless = '{% for a in range(1000000) %}{% for b in range(1000000) %}{% endfor %}{% endfor %}'
  const changed = { ...JSON.parse(readFileSync(tokenizer, 'utf8')), chat_template: endless }
  writeFileSync(tokenizer, JSON.stringify(changed))
  mkdirSync(adapters)
  for (const name of ['plain', 'patterned'])
    cpSync(join(GOLDEN, name), join(adapters, name), { recursive: true })
  await withStore(async (project) => {
    await recordBase(project, { name: 'pico', path: join(folder, 'pico'), endOfLife: null })
    await recordBase(project, { name: 'endless', path: join(folder, 'endless'), endOfLife: null })
    await recordBase(project, { name: BUNDLED_BASE, path: BUNDLED_PATH, endOfLife: null })
  })
  url = await serve({
    'server.adapterDirectory': adapters,
    'server.maxWaiting': MAX_WAITING,
    'routes.desk.model': 'pico',
  })
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(async () => {
  for (const instance of instances) await instance.close()
  rmSync(folder, { recursive: true, force: true })
})

async function withStore(use: (project: ProjectStore) => Promise<void>): Promise<void> {
  const dataDirectory = join(folder, 'data')
  mkdirSync(dataDirectory, { recursive: true })
  const store = await openStore({ dataDirectory })
  try {
    await use(store.project('default'))
  } finally {
    await store.close()
  }
}

async function serve(settings: Record<string, unknown>): Promise<string> {
  const overrides = [
    { path: 'bases.pico.path', value: join(folder, 'pico'), option: 'test' },
    { path: 'bases.endless.path', value: join(folder, 'endless'), option: 'test' },
    ...Object.entries(settings).map(([path, value]) => ({ path, value, option: 'test' })),
  ]
  const loaded = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') }, overrides })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const opened = await openInstance({ loaded, operations, protocols: async () => protocols, log })
  if ('holder' in opened) throw new Error('somebody else holds it')
  instances.push(opened.instance)
  return (await opened.instance.listen({ host: '127.0.0.1', port: 0 })).url
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}
const errorOf = ({ text }: { text: string }) => (JSON.parse(text) as { error: Record<string, string> }).error
const load = (lora_name: string, lora_path: string, more: object = {}) =>
  post('/v1/load_lora_adapter', { lora_name, lora_path, ...more })
const unload = (lora_name: string) => post('/v1/unload_lora_adapter', { lora_name })
const ask = (model: string, options: object = {}) =>
  openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'where is the card' }],
    ...options,
  })

test('an adapter of the directory is loaded, listed, answers under its name, and leaves', async () => {
  const before = await ask('pico', { max_tokens: 8 })
  expect(await load('mine', 'plain', { base_model_name: 'pico' })).toMatchObject({
    status: 200,
    text: "Success: LoRA adapter 'mine' added successfully.",
  })
  const models = (await openai.models.list()).data as { id: string; parent?: string }[]
  expect(models.map(({ id, parent }) => [id, parent])).toEqual([
    ['desk', null],
    ['mine', 'pico'],
    ['pico', null],
    ['endless', null],
    ['regraft-nano', null],
  ])
  const answer = await ask('mine', { max_tokens: 8 })
  expect(answer.model).toBe('mine')
  expect(answer.choices[0]!.message.content).not.toBe(before.choices[0]!.message.content)
  // By its absolute path, and one whose ranks differ by module.
  expect((await load('other', join(adapters, 'patterned'))).status).toBe(200)
  expect(errorOf(await load('mine', 'patterned')).message).toMatch(/the name mine is taken/)
  expect((await load('mine', 'patterned', { load_inplace: true })).status).toBe(200)
  const [first, second] = await Promise.all([ask('mine', { max_tokens: 8 }), ask('other', { max_tokens: 8 })])
  expect(first.choices[0]!.message.content).toBe(second.choices[0]!.message.content)

  expect(await unload('mine')).toMatchObject({
    status: 200,
    text: "Success: LoRA adapter 'mine' removed successfully.",
  })
  expect(await unload('mine')).toMatchObject({ status: 404 })
  await expect(ask('mine')).rejects.toMatchObject({ status: 404 })
  expect((await ask('other', { max_tokens: 2 })).model).toBe('other')
  expect((await unload('other')).status).toBe(200)
})

test('paths elsewhere, links that lead elsewhere, other shapes and other bases are refused', async () => {
  const elsewhere = join(folder, 'elsewhere')
  cpSync(join(GOLDEN, 'plain'), elsewhere, { recursive: true })
  symlinkSync(elsewhere, join(adapters, 'link'))
  for (const path of [elsewhere, '../elsewhere', 'link', '/etc']) {
    const refused = await load('x', path)
    expect([refused.status, errorOf(refused).message]).toEqual([
      403,
      'the path is not below server.adapterDirectory',
    ])
  }
  expect(errorOf(await load('x', 'nothing'))).toMatchObject({ code: 'not-found', param: 'lora_path' })
  expect(errorOf(await load('x', 'ab12cd34ef'))).toMatchObject({ code: 'not-found' })

  const wide = join(adapters, 'wide')
  cpSync(join(GOLDEN, 'plain'), wide, { recursive: true })
  const weights = readFileSync(join(wide, 'adapter_model.safetensors'))
  const length = Number(weights.readBigUInt64LE(0))
  const header = JSON.parse(weights.toString('utf8', 8, 8 + length)) as Record<string, { shape: number[] }>
  const [, tensor] = Object.entries(header).find(([name]) => name.includes('lora_A'))!
  tensor.shape = [tensor.shape[0]! / 2, tensor.shape[1]! * 2]
  const changed = Buffer.alloc(length, ' ')
  changed.write(JSON.stringify(header))
  writeFileSync(
    join(wide, 'adapter_model.safetensors'),
    Buffer.concat([weights.subarray(0, 8), changed, weights.subarray(8 + length)]),
  )
  const refused = await load('x', 'wide')
  expect(refused.status).toBeGreaterThanOrEqual(400)
  expect(refused.status).toBeLessThan(500)
  expect(errorOf(await load('x', 'plain', { base_model_name: 'llama' })).message).toMatch(
    /none of those served: pico, endless, regraft-nano/,
  )
  expect((await openai.models.list()).data.map(({ id }) => id)).toEqual([
    ...['desk', 'pico', 'endless', 'regraft-nano'],
  ])
})

test('a key that may only infer loads nothing', async () => {
  const created = await post('/api/keys/create', { name: 'product', scope: ['infer'] })
  const { key } = JSON.parse(created.text) as { key: string }
  const { url: keyed } = await instances[0]!.listen({ host: '0.0.0.0', port: 0 })
  const remote = keyed.replace('0.0.0.0', '127.0.0.1')
  const send = (path: string, body: object) =>
    fetch(remote + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    })
  expect((await send('/v1/load_lora_adapter', { lora_name: 'x', lora_path: 'plain' })).status).toBe(403)
  const messages = [{ role: 'user', content: 'card' }]
  expect((await send('/v1/chat/completions', { model: 'pico', messages, max_tokens: 1 })).status).toBe(200)
})

test('beyond the bound a request gets 429 with Retry-After in OpenAI’s shape, and room comes back', async () => {
  const all = await Promise.all(
    Array.from({ length: 12 }, () =>
      post('/v1/chat/completions', { model: 'pico', messages, max_tokens: 64 }),
    ),
  )
  const refused = all.filter(({ status }) => status === 429)
  expect(all.filter(({ status }) => status === 200)).toHaveLength(12 - refused.length)
  expect(refused.length).toBeGreaterThan(0)
  expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(errorOf(refused[0]!)).toMatchObject({ type: 'rate_limit_error', code: 'overloaded' })
  expect((await ask('pico', { max_tokens: 2 })).choices).toHaveLength(1)
})
const messages = [{ role: 'user', content: 'where is the card' }]

test('what fails before the first word of a stream has its status', async () => {
  const far = await post('/v1/chat/completions', {
    model: 'pico',
    messages: [{ role: 'user', content: 'card '.repeat(5_000) }],
    stream: true,
  })
  expect(far.status).toBe(400)
})

test.each([false, true])(
  'a client that goes away (streaming: %s) frees its place at the next step',
  async (stream) => {
    const request = (signal?: AbortSignal) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'regraft-nano',
          messages,
          max_tokens: 400,
          stream,
          seed: 1,
          temperature: 2,
        }),
        ...(signal ? { signal } : {}),
      }).then((response) => response.text())
    await ask('regraft-nano', { max_tokens: 1 })
    const began = performance.now()
    await request()
    const whole = performance.now() - began

    const gone = new AbortController()
    const clients = Array.from({ length: MAX_WAITING }, () => request(gone.signal).catch(() => 'gone'))
    await sleep(whole / 8)
    expect((await post('/v1/chat/completions', { model: 'regraft-nano', messages })).status).toBe(429)
    gone.abort()
    const aborted = performance.now()
    while (
      (await post('/v1/chat/completions', { model: 'regraft-nano', messages, max_tokens: 1 })).status === 429
    ) {
      await sleep(5)
    }
    expect(performance.now() - aborted).toBeLessThan(whole / 2)
    expect(await Promise.all(clients)).toEqual(Array(MAX_WAITING).fill('gone'))
  },
)

test('log-probabilities have OpenAI’s shape, whole and streamed', async () => {
  const options = { max_tokens: 12, logprobs: true, top_logprobs: 3 }
  const whole = await ask('regraft-nano', options)
  const { content } = whole.choices[0]!.logprobs!
  expect(content).toHaveLength(whole.usage!.completion_tokens)
  expect(content!.map(({ token }) => token).join('')).toBe(whole.choices[0]!.message.content)
  for (const { token, logprob, bytes, top_logprobs: top } of content!) {
    // Greedy: the token is the most probable one.
    expect(top.map((one) => one.logprob)).toEqual(top.map((one) => one.logprob).sort((a, b) => b - a))
    expect(top[0]).toMatchObject({ token, logprob })
    expect(top).toHaveLength(3)
    expect(top.reduce((sum, one) => sum + Math.exp(one.logprob), 0)).toBeLessThanOrEqual(1 + 1e-6)
    expect(Buffer.from(bytes!).toString()).toBe(token)
  }
  const streamed = []
  let text = ''
  const messages = [{ role: 'user' as const, content: 'where is the card' }]
  const request = { model: 'regraft-nano', messages, stream: true as const, ...options }
  for await (const { choices } of await openai.chat.completions.create(request)) {
    streamed.push(...(choices[0]?.logprobs?.content ?? []))
    text += choices[0]?.delta.content ?? ''
  }
  expect(text).toBe(whole.choices[0]!.message.content)
  expect(streamed.map(({ token }) => token)).toEqual(content!.map(({ token }) => token))
  const plain = await ask('regraft-nano', { max_tokens: 2, logprobs: true })
  expect(plain.choices[0]!.logprobs!.content![0]!.top_logprobs).toEqual([])
  expect((await ask('regraft-nano', { max_tokens: 2 })).choices[0]!.logprobs).toBe(null)
})

test('stop strings cut the answer before them, whole and streamed', async () => {
  const whole = (await ask('regraft-nano', { max_tokens: 24 })).choices[0]!.message.content!
  const stop = whole.slice(whole.length >> 1, (whole.length >> 1) + 3)
  const cut = await ask('regraft-nano', { max_tokens: 24, stop: ['never said', stop] })
  expect(cut.choices[0]).toMatchObject({
    message: { content: whole.slice(0, whole.indexOf(stop)) },
    finish_reason: 'stop',
  })
  let text = ''
  const messages = [{ role: 'user' as const, content: 'where is the card' }]
  const request = { model: 'regraft-nano', messages, stream: true as const, max_tokens: 24, stop }
  for await (const { choices } of await openai.chat.completions.create(request)) {
    text += choices[0]?.delta.content ?? ''
  }
  expect(text).toBe(cut.choices[0]!.message.content)
})

test('a seed repeats an answer whatever else is answered, and limits of sampling count', async () => {
  const drawn = async (options: object) =>
    (await ask('regraft-nano', { max_tokens: 16, temperature: 1.5, ...options })).choices[0]!.message.content
  const [first, second, other] = await Promise.all([1, 1, 2].map((seed) => drawn({ seed })))
  expect(second).toBe(first)
  expect(other).not.toBe(first)
  const greedy = (await ask('regraft-nano', { max_tokens: 16 })).choices[0]!.message.content
  expect(await drawn({ seed: 3, top_k: 1 })).toBe(greedy)
  expect(await drawn({ seed: 3, min_p: 1 })).toBe(greedy)
  await expect(drawn({ n: 2 })).rejects.toMatchObject({ status: 400, param: 'n' })
  await expect(drawn({ stop: ['a', 'b', 'c', 'd', 'e'] })).rejects.toMatchObject({ status: 400 })
})

test('a template that does not end is a 400, and others are answered meanwhile', async () => {
  const hanging = post('/v1/chat/completions', { model: 'endless', messages, max_tokens: 2 })
  expect((await ask('regraft-nano', { max_tokens: 2 })).choices).toHaveLength(1)
  const { status, text } = await hanging
  expect([status, text]).toEqual([400, expect.stringMatching(/template/)])
})

test('answers of the engine are logged with route, person, conversation and what the texts leave out', async () => {
  const body = { model: 'desk', max_tokens: 4, user: 'anna', metadata: { conversation: 'talk-1' }, messages }
  const whole = await post('/v1/chat/completions', body)
  const named = [{ role: 'user', content: 'where is the card', name: 'Anna' }]
  const streamed = await post(
    '/v1/chat/completions',
    { model: 'pico', max_tokens: 4, stream: true, messages: named },
    { 'x-regraft-propensity': '0.5', 'x-regraft-conversation': 'talk-2' },
  )
  const ids = [whole, streamed].map(({ headers }) => headers.get('x-regraft-inference-id')!)
  expect(whole.text).toContain(`chatcmpl-${ids[0]}`)
  expect(streamed.text).toContain(`chatcmpl-${ids[1]}`)
  await instances[0]!.close()
  const rows = new Map<string, InferenceRow>()
  const dataDirectory = join(folder, 'data')
  const store = await openStore({ dataDirectory })
  const journals = await openJournals(join(dataDirectory, 'journal'), { store })
  await journals.drained('default')
  await journals.close()
  for await (const row of store.project('default').inferences.select({ ids })) rows.set(row.id, row)
  await store.close()
  const [first, second] = ids.map((id) => rows.get(id)!)
  expect(first!.subject).toMatch(/^[0-9a-f]{64}$/)
  expect(first!.payload).toMatchObject({
    ...{ route: 'desk', model: 'pico', adapter: null, conversation: 'talk-1', finishReason: 'length' },
    parameters: { max_tokens: 4, maxTokens: 4, temperature: 0, seed: 0 },
    usage: { completionTokens: 4 },
    configDigest: expect.stringMatching(/^sha256:/),
  })
  expect(JSON.stringify(first!.payload)).not.toContain('anna')
  expect(first!.payload.exact).toBe(undefined)
  expect(second).toMatchObject({
    subject: null,
    payload: {
      ...{ route: 'pico', conversation: 'talk-2', propensity: 0.5, firstTokenMs: expect.any(Number) },
      exact: { messages: named, choices: [{ message: { content: second!.payload.response } }] },
    },
  })
})

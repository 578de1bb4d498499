import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterEach, expect, test } from 'vitest'
import { accept, type Received, serve } from './fixtures/recording-server.ts'
import { Regraft, type WrapOptions } from './index.ts'

type Sent = Record<string, unknown>
const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

const messages = [{ role: 'user' as const, content: 'Where is my card?' }]
const tool = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"card":1}' } }
const chunks = [
  { index: 0, delta: { role: 'assistant', content: '' } },
  { index: 0, delta: { content: 'On its ' } },
  {
    index: 1,
    delta: {
      tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'look', arguments: '' } }],
    },
  },
  { index: 0, delta: { content: 'way' } },
  { index: 1, delta: { tool_calls: [{ index: 0, function: { arguments: '{"card"' } }] } },
  { index: 1, delta: { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] } },
  { index: 0, delta: {}, finish_reason: 'stop' },
  { index: 1, delta: {}, finish_reason: 'tool_calls' },
]

/** A provider that answers as OpenAI does, and a Regraft that takes everything. */
async function start({
  headers = {},
  ids = (n: number) => `chatcmpl-${n}`.padEnd(20, 'x'),
  ...options
}: {
  headers?: Record<string, string>
  ids?: (n: number) => string
} & WrapOptions = {}) {
  const provider = await serve((_, response, { body }) => {
    const head = { id: ids(provider.received.length), created: 1, model: 'gpt-x' }
    if (!body.stream) {
      const choice = (index: number) => ({
        index,
        message: { role: 'assistant', content: `On its way ${index}` },
        finish_reason: 'stop',
      })
      const choices = Array.from({ length: (body.n as number) ?? 1 }, (_, index) => choice(index))
      response.writeHead(200, { 'content-type': 'application/json', ...headers })
      return void response.end(
        JSON.stringify({
          ...head,
          object: 'chat.completion',
          choices,
          usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
        }),
      )
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
    const wanted = body.n === 2 ? chunks : chunks.filter(({ index }) => index === 0)
    for (const choice of wanted)
      response.write(
        `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [choice] })}\n\n`,
      )
    response.end('data: [DONE]\n\n')
  })
  const server = await serve(accept)
  const problems: unknown[] = []
  const regraft = new Regraft({ baseUrl: server.baseUrl, onError: (error) => problems.push(error) })
  const plain = () => new OpenAI({ baseURL: `${provider.baseUrl}/v1`, apiKey: 'k', maxRetries: 0 })
  const openai = regraft.wrap(plain(), options)
  cleanups.push(provider.stop, server.stop)
  const sent = async (path: string): Promise<Sent[]> => {
    expect(await regraft.flush()).toBe(0)
    const of = ({ body }: Received) => (body.events ?? body.inferences ?? [body]) as Sent[]
    return server.received.filter((request) => request.path === path).flatMap(of)
  }
  return { regraft, openai, plain, provider, server, problems, sent }
}

test('a whole answer is the same as without, remembered, and logged where Regraft does not see it', async () => {
  const { regraft, openai, plain, provider, sent, problems } = await start()
  const request = {
    model: 'gpt-x',
    messages: [...messages],
    n: 2,
    safety_identifier: 'ada',
    metadata: { conversation: 'c1' },
  }
  const pending = openai.chat.completions.create(request)
  request.messages.push({ role: 'user', content: 'changed by the product meanwhile' })
  const { data, response, request_id: requestId } = await pending.withResponse()
  expect([response.status, requestId]).toEqual([200, null])
  expect(data).toEqual({ ...(await plain().chat.completions.create({ ...request, messages })), id: data.id })
  expect(regraft.answer(data.id)).toEqual({
    id: data.id,
    inferenceId: data.id,
    messages: JSON.stringify(messages),
    texts: ['On its way 0', 'On its way 1'],
    subject: 'ada',
    conversation: 'c1',
    used: false,
  })
  const [call] = await sent('/v1/inferences')
  expect(call).toMatchObject({
    id: data.id,
    request: { ...request, messages },
    response: { id: data.id, model: 'gpt-x', choices: data.choices, usage: { prompt_tokens: 5 } },
    subject: 'ada',
    conversation: 'c1',
    upstream: provider.baseUrl.slice('http://'.length),
  })
  expect(call!.latency_ms).toBeLessThan(10_000)
  expect(Math.abs(Date.parse(call!.started_at as string) - Date.now())).toBeLessThan(60_000)
  expect(problems).toEqual([])
})

test('a stream passes through chunk by chunk and is put together from its pieces', async () => {
  const { regraft, openai, plain, sent } = await start()
  const request = { model: 'gpt-x', messages, n: 2, stream: true as const }
  const seen: unknown[] = []
  for await (const chunk of await openai.chat.completions.create(request)) seen.push(chunk.choices)
  const expected: unknown[] = []
  for await (const chunk of await plain().chat.completions.create(request)) expected.push(chunk.choices)
  expect(seen).toEqual(expected)
  const [call] = await sent('/v1/inferences')
  expect(call!.response).toEqual({
    ...{ id: call!.id, object: 'chat.completion', created: 1, model: 'gpt-x' },
    choices: [
      { index: 0, message: { role: 'assistant', content: 'On its way' }, finish_reason: 'stop' },
      {
        index: 1,
        message: { role: 'assistant', content: null, tool_calls: [tool] },
        finish_reason: 'tool_calls',
      },
    ],
  })
  expect(call!.cut_off).toBeUndefined()
  expect(call!.first_token_ms).toBeGreaterThanOrEqual(0)
  expect(regraft.answer(call!.id as string)?.texts).toEqual(['On its way', ''])
})

test('the helpers of the official client work and are watched: stream, parse, runTools, tee, withOptions', async () => {
  const { openai, sent } = await start()
  const { completions } = openai.chat
  const streamed = await completions.stream({ model: 'gpt-x', messages }).finalContent()
  expect(streamed).toBe('On its way')
  const parsed = await completions.parse({ model: 'gpt-x', messages })
  expect(parsed.choices[0]!.message.parsed).toBe(null)
  const runner = completions.runTools({ model: 'gpt-x', messages, tools: [] })
  expect(await runner.finalContent()).toBe('On its way 0')
  const [left, right] = (await completions.create({ model: 'gpt-x', messages, stream: true })).tee()
  for (const branch of [left, right]) for await (const _ of branch);
  const readable = (await completions.create({ model: 'gpt-x', messages, stream: true })).toReadableStream()
  expect(await new Response(readable).text()).toContain('On its ')
  await openai.withOptions({ timeout: 5000 }).chat.completions.create({ model: 'gpt-x', messages })
  const ids = (await sent('/v1/inferences')).map(({ id }) => id)
  expect(ids).toEqual([1, 2, 3, 4, 5, 6].map((n) => `chatcmpl-${n}`.padEnd(20, 'x')))
})

test('the raw response can still be read by the product alone', async () => {
  const { openai, sent } = await start()
  const response = await openai.chat.completions.create({ model: 'gpt-x', messages }).asResponse()
  expect(await response.json()).toMatchObject({ model: 'gpt-x' })
  expect(await sent('/v1/inferences')).toEqual([])
})

test('a stream that the product breaks off is logged as cut off, and the request ends', async () => {
  const { openai, sent } = await start()
  const stream = await openai.chat.completions.create({ model: 'gpt-x', messages, stream: true })
  for await (const chunk of stream) if (chunk.choices[0]!.delta.content) break
  expect(stream.controller.signal.aborted).toBe(true)
  expect(await sent('/v1/inferences')).toMatchObject([
    { cut_off: true, response: { choices: [{ message: { content: 'On its ' } }] } },
  ])
})

test('what goes through Regraft is not logged twice: known by the header or by the address', async () => {
  const byHeader = await start({ headers: { 'x-regraft-inference-id': 'inner-7' } })
  const answer = await byHeader.openai.chat.completions.create({ model: 'gpt-x', messages })
  await byHeader.regraft.vote(answer.id, 'win', 'another')
  expect(await byHeader.sent('/v1/inferences')).toEqual([])
  expect(await byHeader.sent('/v1/feedback')).toMatchObject([{ inference_id: 'inner-7' }])

  const { provider } = byHeader
  const regraft = new Regraft({ baseUrl: provider.baseUrl })
  const openai = regraft.wrap(new OpenAI({ baseURL: `${provider.baseUrl}/v1`, apiKey: 'k' }))
  const { id } = await openai.chat.completions.create({ model: 'gpt-x', messages, user: 'ada' })
  expect(regraft.answer(id)).toMatchObject({ subject: 'ada' })
  await regraft.flush()
  expect(provider.received.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/chat/completions'])
})

test('ids that a provider gives more than once get one of their own, and feedback follows', async () => {
  const { regraft, openai, sent } = await start({ ids: () => 'chatcmpl-123' })
  const { id } = await openai.chat.completions.create({ model: 'gpt-x', messages })
  await openai.chat.completions.create({ model: 'gpt-x', messages })
  await regraft.accept(id)
  const calls = await sent('/v1/inferences')
  expect(new Set(calls.map((call) => call.id)).size).toBe(2)
  expect(calls[0]!.id).not.toBe(id)
  expect(await sent('/v1/feedback')).toMatchObject([{ inference_id: calls[1]!.id }])
})

test('feedback bears the end user of the request; an edit that changes nothing is an acceptance', async () => {
  const { regraft, openai, sent } = await start()
  const { id } = await openai.chat.completions.create(
    { model: 'gpt-x', messages, user: 'ada' },
    { headers: { 'X-Regraft-Subject': 'bob' } },
  )
  await regraft.edit(id, 'On its way 0')
  await regraft.edit(id, 'On its way!')
  await regraft.thumbs(id, 'up', { subject: 'eve' })
  await regraft.thumbs('unknown', 'up')
  expect(await sent('/v1/feedback')).toMatchObject([
    { type: 'accept', subject: 'bob' },
    { type: 'edit', value: 'On its way!', subject: 'bob' },
    { type: 'thumbs', subject: 'eve' },
    { type: 'thumbs', inference_id: 'unknown' },
  ])
})

test('the same messages asked again in a conversation are reported, and only where that is what it means', async () => {
  const { regraft, openai, sent } = await start()
  const ask = async (conversation: string | null, text = 'Where is my card?') => {
    const headers = conversation === null ? {} : { 'x-regraft-conversation': conversation }
    const asked = [{ role: 'user' as const, content: text }]
    return (await openai.chat.completions.create({ model: 'gpt-x', messages: asked }, { headers })).id
  }
  await ask(null)
  await ask(null)
  await Promise.all([ask('parallel'), ask('parallel')])
  await ask('other')
  await ask('other', 'And now?')
  const used = await ask('used')
  await regraft.copy(used)
  await ask('used')
  const first = await ask('again')
  const second = await ask('again')
  const events = await sent('/v1/feedback')
  expect(events.filter(({ type }) => type !== 'copy')).toMatchObject([
    { type: 'regenerate', inference_id: first, next: second, author: 'client' },
  ])
  const off = await start({ regenerates: false })
  for (const _ of [1, 2])
    await off.openai.chat.completions.create({ model: 'gpt-x', messages, metadata: { conversation: 'c' } })
  expect(await off.sent('/v1/feedback')).toEqual([])
})

test('a Regraft that is down neither delays nor fails the caller; an error of the provider is passed on', async () => {
  const { openai, server, provider, problems } = await start()
  server.stop()
  const answer = await openai.chat.completions.create({ model: 'gpt-x', messages })
  expect(answer.choices[0]!.message.content).toBe('On its way 0')
  provider.stop()
  await expect(openai.chat.completions.create({ model: 'gpt-x', messages })).rejects.toBeInstanceOf(
    OpenAI.APIConnectionError,
  )
  expect(problems).toEqual([])
})

test('a client of the same shape, with plain promises, is watched too', async () => {
  const { regraft, sent } = await start()
  const completion = {
    id: 'cmpl-own',
    choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  }
  const own = {
    chat: { completions: { create: async (_: { model: string; messages: object[] }) => completion } },
  }
  expect(await regraft.wrap(own).chat.completions.create({ model: 'm', messages })).toBe(completion)
  expect(await sent('/v1/inferences')).toMatchObject([{ id: 'cmpl-own', request: { model: 'm' } }])
})

test('the example of the README runs', async () => {
  const { server, provider, sent } = await start()
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const code = /^```ts\n(.*?)^```/ms
    .exec(readme)![1]!
    .replace(/^import .*$/m, '')
    .replace('http://127.0.0.1:7878', server.baseUrl)
  class Client extends OpenAI {
    constructor() {
      super({ baseURL: `${provider.baseUrl}/v1`, apiKey: 'k' })
    }
  }
  const other = { id: 'chatcmpl-other' }
  const names = ['Regraft', 'OpenAI', 'messages', 'other', 'process']
  const run = new Function(...names, `return (async () => { ${code}; await regraft.flush() })()`)
  await run(Regraft, Client, messages, other, { env: { REGRAFT_API_KEY: 'k' } })
  const events = await sent('/v1/feedback')
  expect(events.map(({ type }) => type)).toEqual(
    'edit accept copy abandon regenerate rephrase thumbs comment vote correction label judgement copy'.split(
      ' ',
    ),
  )
  expect(new Set(events.map(({ subject }) => subject))).toEqual(new Set(['user-17']))
  expect(await sent('/v1/inferences')).toHaveLength(1)
})

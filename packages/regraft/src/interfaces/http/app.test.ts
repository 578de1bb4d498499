import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../../config/index.ts'
import type { JobView } from '../../jobs/index.ts'
import { type AnyOperation, defineOperation, InputFile, OutputFile } from '../../operation/index.ts'
import { parseServerEvents, type ServerEvent } from '../cli/server-events.ts'
import { type Instance, openInstance } from '../instance.ts'
import { operations } from '../operations/index.ts'
import { openApiDocument } from './openapi.ts'

const shout = defineOperation({
  name: 'text shout',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Write a file in capitals',
  input: z.object({ file: InputFile, times: z.int().min(1).max(5).default(1) }),
  output: z.object({ out: OutputFile }),
  example: 'regraft text shout a.txt',
  async run({ store, progress }, { file, times }) {
    const text = new TextDecoder()
      .decode(await store.blobs.read(file.digest))
      .toUpperCase()
      .repeat(times)
    progress({ stage: 'shout', done: 1, total: 1 })
    return { out: { ...(await store.blobs.put(new TextEncoder().encode(text))), name: `LOUD-${file.name}` } }
  },
})
const steps = defineOperation({
  name: 'text steps',
  effect: 'read',
  scope: 'read',
  mode: 'stream',
  summary: 'Count with progress',
  input: z.object({ to: z.int(), fail: z.boolean().default(false) }),
  output: z.object({ sum: z.int() }),
  example: 'regraft text steps --to 3',
  async run({ progress }, { to, fail }) {
    for (let done = 1; done <= to; done++) progress({ stage: 'count', done })
    if (fail) throw new Error('broken on purpose')
    return { sum: (to * (to + 1)) / 2 }
  },
})

const folder = mkdtempSync(join(tmpdir(), 'regraft-app-'))
const json = { 'content-type': 'application/json' }
let instance: Instance
let url: string

async function open(config: Record<string, unknown> = {}): Promise<Instance> {
  const overrides = Object.entries(config).map(([path, value]) => ({ path, value, option: 'test' }))
  const loaded = loadConfig({
    folder,
    environment: { REGRAFT_DATA: folder },
    overrides,
  })
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const list: AnyOperation[] = [...operations, shout, steps]
  const opened = await openInstance({ loaded, operations: list, protocols: async () => [], log })
  if ('holder' in opened) throw new Error('somebody else holds it')
  return opened.instance
}

beforeAll(async () => {
  instance = await open()
  url = (await instance.listen({ host: '127.0.0.1', port: 0 })).url
})
afterAll(() => instance.close())

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url + path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })
const errorOf = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as { error: Record<string, unknown> }).error,
})
async function eventsOf(response: Response): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  for await (const event of parseServerEvents(response.body!)) events.push(event)
  return events
}

test('a job takes an uploaded file, is followed to its end and its output file is downloaded', async () => {
  const upload = await fetch(`${url}/api/blobs`, { method: 'POST', body: 'hello ' })
  expect(upload.status).toBe(201)
  const { digest } = (await upload.json()) as { digest: string }
  // By coreutils: printf 'hello ' | sha256sum
  expect(digest).toBe('sha256:5e3235a8346e5a4585f8c58562f5052b8fe26a3bb122e1e96c76784964dfc461')

  const accepted = await post('/api/text/shout', { file: { digest, name: 'a.txt' }, times: 2 })
  expect(accepted.status).toBe(202)
  const { job } = (await accepted.json()) as { job: JobView }
  expect(accepted.headers.get('location')).toBe(`/api/jobs/${job.id}`)

  const events = await eventsOf(await fetch(`${url}/api/jobs/${job.id}/events`))
  expect(events.map(({ event }) => event)).toEqual(['progress', 'end'])
  const end = JSON.parse(events[1]!.data) as JobView
  expect(end).toMatchObject({ state: 'succeeded', result: { out: { name: 'LOUD-a.txt', size: 12 } } })
  const resumed = await fetch(`${url}/api/jobs/${job.id}/events`, {
    headers: { 'last-event-id': events[0]!.id },
  })
  expect((await eventsOf(resumed)).map(({ event }) => event)).toEqual(['end'])

  const { out } = end.result as { out: OutputFile }
  const download = await fetch(`${url}/api/blobs/${out.digest}`)
  expect(await download.text()).toBe('HELLO HELLO ')
  expect(await errorOf(await fetch(`${url}/api/blobs/sha256:${'0'.repeat(64)}`))).toMatchObject({
    status: 404,
  })
})

test('what cannot be undone is refused with its question, and done with the header', async () => {
  const subject = 'nobody we know'
  const refused = await errorOf(await post('/api/datasets/erase', { subject }))
  expect(refused).toMatchObject({
    status: 400,
    code: 'invalid-input',
    hint: 'send the header x-regraft-confirm: yes',
  })
  expect(refused).toMatchObject({
    message: expect.stringMatching(/^This destroys the key .* Erase them\? Nobody can be asked here\.$/),
  })
  const jobs = async () => (await (await fetch(`${url}/api/jobs/list`)).json()) as { jobs: JobView[] }
  expect((await jobs()).jobs.filter(({ operation }) => operation === 'datasets erase')).toEqual([])
  expect((await post('/api/datasets/erase', { subject, dryRun: true })).status).toBe(202)
  expect((await post('/api/datasets/erase', { subject }, { 'x-regraft-confirm': 'yes' })).status).toBe(202)
  // A report asks only where it shows items: here there is no verdict of that name.
  const verdict = '5e1f0c8a2b47'
  expect(await errorOf(await post('/api/gates/report', { verdict, items: 2 }))).toMatchObject({ status: 400 })
  expect(await errorOf(await post('/api/gates/report', { verdict }))).toMatchObject({ status: 404 })
  const { paths } = openApiDocument(operations, '0') as {
    paths: Record<string, { post: { parameters?: { name: string }[] } }>
  }
  const named = paths['/api/gates/report']!.post.parameters!.map(({ name }) => name)
  expect(named).toEqual(['x-regraft-confirm'])
})

test('a read answers GET and POST alike, and says in the same shape what is wrong with an input', async () => {
  const byQuery = await (await fetch(`${url}/api/jobs/list?limit=1&state=succeeded`)).json()
  expect(byQuery).toEqual(await (await post('/api/jobs/list', { limit: 1, state: 'succeeded' })).json())
  expect((byQuery as { jobs: JobView[] }).jobs.length).toBe(1)

  expect(await errorOf(await fetch(`${url}/api/jobs/list?limit=many`))).toEqual({
    status: 400,
    message: "limit: expected a number, found 'many'",
    type: 'invalid_request_error',
    param: 'limit',
    code: 'invalid-input',
    hint: null,
  })
  expect(await errorOf(await post('/api/jobs/list', { limit: 0 }))).toMatchObject({
    status: 400,
    param: 'limit',
  })
  expect(await errorOf(await post('/api/jobs/list', { limti: 1 }))).toMatchObject({
    message: expect.stringContaining('limti'),
  })
  expect(await errorOf(await fetch(`${url}/api/jobs/${crypto.randomUUID()}`))).toMatchObject({ status: 404 })
  expect(await errorOf(await fetch(`${url}/api/jobs/not-a-uuid`))).toMatchObject({
    status: 404,
    code: 'not-found',
  })
  expect(await errorOf(await fetch(`${url}/api/nothing`))).toMatchObject({
    status: 404,
    hint: expect.any(String),
  })
  const broken = await fetch(`${url}/api/jobs/list`, { method: 'POST', headers: json, body: '{"limit":' })
  expect(await errorOf(broken)).toMatchObject({
    status: 400,
    message: expect.stringContaining('not valid JSON'),
  })
  const huge = await post('/api/jobs/list', { state: 'x'.repeat(5_000_000) })
  expect(await errorOf(huge)).toMatchObject({ status: 400, message: expect.stringContaining('over') })
})

test('a stream sends progress and then its result or its error', async () => {
  const events = await eventsOf(await post('/api/text/steps', { to: 3 }))
  expect(events.map(({ event }) => event)).toEqual(['progress', 'progress', 'progress', 'result'])
  expect(JSON.parse(events[3]!.data)).toEqual({ sum: 6 })
  const failed = await eventsOf(await post('/api/text/steps', { to: 0, fail: true }))
  expect(JSON.parse(failed[0]!.data)).toMatchObject({ code: 'internal', message: 'broken on purpose' })
})

test('the same idempotency key does not start a second job', async () => {
  const upload = await fetch(`${url}/api/blobs`, { method: 'POST', body: 'once' })
  const { digest } = (await upload.json()) as { digest: string }
  const body = { file: { digest, name: 'a.txt' } }
  const start = async (input: unknown) => post('/api/text/shout', input, { 'idempotency-key': 'k1' })
  const ids = [await start(body), await start(body)].map(
    async (one) => ((await one.json()) as { job: JobView }).job.id,
  )
  expect(await ids[0]).toBe(await ids[1])
  expect(await errorOf(await start({ ...body, times: 3 }))).toMatchObject({ status: 409, code: 'conflict' })
})

test('without a key only this machine is trusted: pages of other sites are refused', async () => {
  const foreign = await fetch(`${url}/api/jobs/list`, { headers: { origin: 'https://evil.example' } })
  expect(await errorOf(foreign)).toMatchObject({ status: 403, code: 'forbidden' })
  const own = await fetch(`${url}/api/jobs/list`, { headers: { origin: 'http://localhost:3000' } })
  expect(own.status).toBe(200)
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect(await (await fetch(`${url}/ready`)).json()).toEqual({ status: 'ready' })
})

test('an address that others reach needs an API key, whose scopes then count', async () => {
  await expect(instance.listen({ host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
    code: 'invalid-config',
  })
  const created = await post('/api/keys/create', { name: 'product', scope: ['read'] })
  const { id, key } = (await created.json()) as { id: string; key: string }
  const { url: open } = await instance.listen({ host: '0.0.0.0', port: 0 })
  const remote = open.replace('0.0.0.0', '127.0.0.1')
  const get = (path: string, token?: string) =>
    fetch(remote + path, token ? { headers: { authorization: `Bearer ${token}` } } : {})

  expect(await errorOf(await get('/api/jobs/list'))).toMatchObject({
    status: 401,
    type: 'authentication_error',
  })
  expect(await errorOf(await get('/api/jobs/list', 'rg_wrong'))).toMatchObject({ status: 401 })
  expect((await get('/api/jobs/list', key)).status).toBe(200)
  expect(await errorOf(await get('/api/keys/list', key))).toMatchObject({ status: 403, code: 'forbidden' })
  expect((await get('/health')).status).toBe(200)
  const list = await (await fetch(`${url}/api/keys/list`)).text()
  expect(list).not.toContain(key)
  expect((await post('/api/keys/revoke', { id })).status).toBe(200)
  expect((await get('/api/jobs/list', key)).status).toBe(401)
})

test('a taken port is an error that names the option', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  await expect(instance.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'port-in-use',
    hint: expect.stringContaining('--port'),
  })
  other.close()
})

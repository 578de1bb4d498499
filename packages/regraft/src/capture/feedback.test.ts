import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { Regraft } from '@regraft/client'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Principal } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { feedbackProtocol } from './feedback.ts'
import { memoryStore } from './fixtures/memory-store.ts'
import { type Journals, openJournals } from './journals.ts'
import { inferenceIdOf } from './row-ids.ts'

const projects = { desk: memoryStore(), other: memoryStore() }
const principal: Principal = { id: 'key', scopes: ['feedback'] }
let folder: string
let journals: Journals

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'regraft-feedback-'))
  journals = await openJournals(folder, { store: { project: (id) => projects[id as 'desk'].store } })
})
afterAll(async () => {
  await journals.close()
  await rm(folder, { recursive: true })
})

function appFor(as: Principal, projectId: string) {
  const app = new Hono<{ Variables: { principal: Principal; store: ProjectStore } }>()
  app.use(async (context, next) => {
    context.set('principal', as)
    const inferences = { async *select() {} } as unknown as ProjectStore['inferences']
    context.set('store', { projectId, inferences } as ProjectStore)
    await next()
  })
  const protocol = feedbackProtocol({ journals })
  return app.route(protocol.path, protocol.routes())
}

interface ErrorBody {
  error: { type: string; code: string; param: string; message: string }
}

async function post(body: unknown, as = principal, projectId = 'desk') {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await appFor(as, projectId).request('/v1/feedback', { method: 'POST', body: text })
  return { status: response.status, json: (await response.json()) as ErrorBody }
}

async function postBatch(events: unknown[], as = principal) {
  const { status, json } = await post({ events }, as)
  return { status, json: json as unknown as { data: { id?: string; error?: { code: string } }[] } }
}

const id = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'

test('an event is acknowledged with 202 and becomes a row of its project only', async () => {
  const event = {
    id: '11111111-2222-4333-8444-555555555555',
    inference_id: `chatcmpl-${id}`,
    type: 'correction',
    value: 'lost_card',
    author: 'maria',
    occurred_at: '2025-03-01T14:05:06+02:00',
  }
  const { status, json } = await post(event)
  expect([status, json]).toEqual([
    202,
    {
      id: event.id,
      object: 'feedback',
      inference_id: id,
      type: 'correction',
      occurred_at: '2025-03-01T12:05:06.000Z',
    },
  ])
  await (await journals.of('desk')).drained()
  expect(projects.desk.rows.get(event.id)).toEqual({
    id: event.id,
    inferenceId: id,
    occurredAt: new Date('2025-03-01T12:05:06Z'),
    derivedFrom: [id],
    payload: { type: 'correction', value: 'lost_card', author: 'maria' },
  })
  expect(projects.other.rows.size).toBe(0)
})

test('a body in chunks, as proxies send it, is taken over a socket too, and refused when it grows too long', async () => {
  const server = serve({ fetch: appFor(principal, 'desk').fetch, port: 0, overrideGlobalObjects: false })
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/feedback`
  const send = async (parts: string[]) => {
    const body = ReadableStream.from(parts.map((part) => Buffer.from(part)))
    return (await fetch(url, { method: 'POST', body, duplex: 'half' })).status
  }
  expect(await send([`{"inference_id": "${id}", "ty`, 'pe": "accept"}'])).toBe(202)
  const long = 'x'.repeat(300_000)
  expect(
    await send([`{"inference_id": "${id}", "type": "comment", "value": "`, long, long, long, long, '"}']),
  ).toBe(400)
  server.close()
})

test('an event sent twice with its id is stored once, without an id twice', async () => {
  const journal = await journals.of('desk')
  await journal.drained()
  const before = projects.desk.rows.size
  const event = { inference_id: 'foreign-handle', type: 'thumbs', value: 1 }
  const once = { ...event, id: '22222222-2222-4333-8444-555555555555' }
  for (const body of [once, once, event, event]) expect((await post(body)).status).toBe(202)
  await journal.drained()
  expect(projects.desk.rows.size - before).toBe(3)
  expect(projects.desk.rows.get(once.id)).toMatchObject({ inferenceId: inferenceIdOf('foreign-handle') })
})

test('every type of event becomes its payload; handles of other answers become their ids', async () => {
  const next = `chatcmpl-${id.replace('017f', '017e')}`
  const nextId = inferenceIdOf(next)
  const sent: [object, object][] = [
    [
      { type: 'correction', value: 'lost_card' },
      { type: 'correction', value: 'lost_card' },
    ],
    [
      { type: 'edit', value: 'Dear …' },
      { type: 'edit', value: 'Dear …' },
    ],
    [
      { type: 'label', value: 'x' },
      { type: 'label', value: 'x' },
    ],
    [
      { type: 'comment', value: 'long' },
      { type: 'comment', value: 'long' },
    ],
    [
      { type: 'thumbs', value: -1, fault: 'unwelcome', position: 2, propensity: 0.25 },
      { type: 'thumbs', value: -1, fault: 'unwelcome', position: 2, propensity: 0.25 },
    ],
    [
      { type: 'accept', candidate: 1 },
      { type: 'accept', candidate: 1 },
    ],
    [{ type: 'copy' }, { type: 'copy' }],
    [
      { type: 'abandon', fault: 'wrong' },
      { type: 'abandon', fault: 'wrong' },
    ],
    [
      { type: 'regenerate', next },
      { type: 'regenerate', next: nextId },
    ],
    [{ type: 'rephrase' }, { type: 'rephrase' }],
    [
      { type: 'vote', value: 'lose', other: { inference: next } },
      { type: 'vote', value: 'lose', other: { inference: nextId } },
    ],
    [
      { type: 'vote', value: 'tie', candidate: 1, other: { candidate: 0 } },
      { type: 'vote', value: 'tie', candidate: 1, other: { candidate: 0 } },
    ],
  ]
  const judgement = { type: 'judgement', value: 'unwelcome', signal: 'sha256:00ff' }
  const events = sent.map(([event]) => ({ inference_id: id, ...event }))
  const { status, json } = await postBatch([...events, { inference_id: id, ...judgement }], {
    id: 'key',
    scopes: ['feedback', 'write'],
  })
  expect(status).toBe(202)
  await (await journals.of('desk')).drained()
  expect(json.data.map((receipt) => projects.desk.rows.get(receipt.id!))).toMatchObject(
    [...sent, [judgement, judgement] as const].map(([, payload]) => ({
      payload: { author: null, ...payload },
      derivedFrom: JSON.stringify(payload).includes(nextId) ? [id, nextId] : [id],
    })),
  )
})

test('of a batch each event is acknowledged or refused by itself', async () => {
  const { status, json } = await postBatch([
    { inference_id: id, type: 'accept' },
    { inference_id: id, type: 'like' },
    7,
    { inference_id: id, type: 'judgement', value: 'right' },
    { inference_id: 'foreign', type: 'copy' },
  ])
  expect(status).toBe(202)
  expect(json).toMatchObject({
    object: 'list',
    data: [
      { index: 0, object: 'feedback', inference_id: id, type: 'accept' },
      { index: 1, error: { code: 'invalid-input', param: 'type' } },
      { index: 2, error: { code: 'invalid-input' } },
      { index: 3, error: { code: 'forbidden', hint: 'regraft keys create <name> --scope feedback,write' } },
      { index: 4, object: 'feedback', inference_id: inferenceIdOf('foreign') },
    ],
  })
})

test('a batch that is sent twice with its ids is stored once', async () => {
  const journal = await journals.of('desk')
  await journal.drained()
  const before = projects.desk.rows.size
  const events = Array.from({ length: 500 }, (_, index) => ({
    id: `33333333-2222-4333-8444-${String(index).padStart(12, '0')}`,
    inference_id: id,
    type: 'copy',
  }))
  for (const _ of [1, 2]) {
    const { status, json } = await postBatch(events)
    expect([status, json.data.length]).toEqual([202, 500])
  }
  await journal.drained()
  expect(projects.desk.rows.size - before).toBe(500)
})

test.each([
  ['{"inference_id": ', null],
  [{ type: 'accept' }, 'inference_id'],
  [{ inference_id: id, type: 'like' }, 'type'],
  [{ inference_id: id, type: 'thumbs', value: 5 }, 'value'],
  [{ inference_id: id, type: 'thumbs', value: 1, fault: 'wrong' }, 'fault'],
  [{ inference_id: id, type: 'abandon', fault: 'bad' }, 'fault'],
  [{ inference_id: id, type: 'copy', candidate: -1 }, 'candidate'],
  [{ inference_id: id, type: 'copy', position: 1.5 }, 'position'],
  [{ inference_id: id, type: 'copy', propensity: 0 }, 'propensity'],
  [{ inference_id: id, type: 'copy', subject: '' }, 'subject'],
  [{ inference_id: id, type: 'regenerate', next: `chatcmpl-${id}` }, 'next'],
  [{ inference_id: id, type: 'vote', value: 'win' }, 'other'],
  [{ inference_id: id, type: 'vote', value: 'win', other: { candidate: 0 } }, 'other.candidate'],
  [{ inference_id: id, type: 'vote', value: 'win', other: { inference: id } }, 'other.inference'],
  [{ inference_id: id, type: 'judgement', value: 'good' }, 'value'],
  [{ events: [] }, 'events'],
  [{ events: new Array(501).fill({}) }, 'events'],
  [{ inference_id: id, type: 'edit' }, 'value'],
  [{ inference_id: id, type: 'accept', value: true }, 'value'],
  ['{"inference_id": "a", "type": "comment", "value": "a\\u0000b"}', 'value'],
  ['{"inference_id": "a", "type": "comment", "value": "a\\ud800b"}', 'value'],
  [{ inference_id: id, type: 'accept', occurred_at: 'soon' }, 'occurred_at'],
  [{ inference_id: id, type: 'accept', id: '7' }, 'id'],
  [{ inference_id: id, type: 'accept', colour: 'red' }, ''],
  [{ inference_id: id, type: 'comment', value: 'x'.repeat(1024 * 1024) }, null],
])("%j is refused in OpenAI's shape", async (body, param) => {
  const { status, json } = await post(body)
  expect(status).toBe(400)
  expect(json.error).toMatchObject({ type: 'invalid_request_error', code: 'invalid-input' })
  expect(json.error.param ?? '').toBe(param ?? '')
  expect(json.error.message).not.toBe('')
})

test('judgements need the scope write, which a key for products does not have', async () => {
  const judgement = { inference_id: id, type: 'judgement', value: 'wrong' }
  const refused = await post(judgement)
  expect([refused.status, refused.json.error]).toMatchObject([403, { code: 'forbidden', param: 'type' }])
  for (const scope of ['write', 'admin'] as const)
    expect((await post(judgement, { id: 'key', scopes: [scope] })).status).toBe(202)
  const label = { inference_id: id, type: 'label', value: 'x' }
  expect((await post(label, { id: 'key', scopes: ['write'] })).status).toBe(403)
})

test('a key without the scope is refused', async () => {
  const { status, json } = await post({ inference_id: id, type: 'accept' }, { id: 'key', scopes: ['read'] })
  expect([status, json.error.code]).toEqual([403, 'forbidden'])
})

test('a project whose journal was left behind is drained without being asked for', async () => {
  const left = await mkdtemp(join(folder, 'left-'))
  const down = memoryStore()
  down.state.down = true
  const first = await openJournals(left, { store: { project: () => down.store } })
  const payload = { type: 'accept', author: null } as const
  await (await first.of('desk')).append({
    kind: 'feedback',
    row: { id, inferenceId: id, occurredAt: new Date(), payload },
  })
  await first.close()
  const back = memoryStore()
  const second = await openJournals(left, { store: { project: () => back.store } })
  await expect.poll(() => [...back.rows.keys()]).toEqual([id])
  await second.close()
})

test('what the SDK sends over a socket arrives', async () => {
  const server = serve({ fetch: appFor(principal, 'other').fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const regraft = new Regraft({ baseUrl: `http://127.0.0.1:${port}` })
  const receipts = [
    await regraft.thumbs(`chatcmpl-${id}`, 'down'),
    await regraft.correct(`chatcmpl-${id}`, 'lost_card', { author: 'maria' }),
    await regraft.edit(`chatcmpl-${id}`, 'Dear …'),
    await regraft.accept(`chatcmpl-${id}`),
    await regraft.comment(`chatcmpl-${id}`, 'too long'),
  ]
  await expect(regraft.comment(id, '')).rejects.toMatchObject({ status: 400, param: 'value', attempts: 1 })
  server.close()
  await (await journals.of('other')).drained()
  expect(receipts.map((receipt) => projects.other.rows.get(receipt.id))).toMatchObject([
    { payload: { type: 'thumbs', value: -1, author: null } },
    { payload: { type: 'correction', value: 'lost_card', author: 'maria' } },
    { payload: { type: 'edit', value: 'Dear …', author: null } },
    { payload: { type: 'accept', author: null } },
    { payload: { type: 'comment', value: 'too long', author: null } },
  ])
  expect(receipts.every((receipt) => receipt.inferenceId === id)).toBe(true)
})

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Regraft, RegraftClientError } from './index.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  at: number
}

let stop: () => void = () => {}
afterEach(() => stop())

/** A server that answers request n with the n-th of these answers, and the last one from then on. */
async function serve(...answers: ((...parameters: Parameters<RequestListener>) => void)[]) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      received.push({ path: request.url!, headers: request.headers, body: JSON.parse(text), at: Date.now() })
      answers[Math.min(received.length, answers.length) - 1]!(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { received, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const accept: RequestListener = (_, response) => {
  response.writeHead(202, { 'content-type': 'application/json' }).end('{"inference_id": "inner"}')
}
const status =
  (code: number, headers = {}, body = ''): RequestListener =>
  (_, response) => {
    response.writeHead(code, headers).end(body)
  }
const hangUp: RequestListener = (request) => request.socket.destroy()

test('each helper sends its event to /v1/feedback', async () => {
  const { received, baseUrl } = await serve(accept)
  const regraft = new Regraft({ baseUrl: `${baseUrl}/`, apiKey: 'rg-secret' })
  const occurredAt = new Date('2025-03-01T12:00:00Z')
  const receipt = await regraft.thumbs('chatcmpl-1', 'down', { author: 'maria', occurredAt })
  await regraft.thumbs('chatcmpl-1', 'up')
  await regraft.correct('chatcmpl-1', 'lost_card')
  await regraft.edit('chatcmpl-1', 'Dear Ms Doe …')
  await regraft.accept('chatcmpl-1')
  await regraft.comment('chatcmpl-1', 'too long')
  await regraft.feedback('chatcmpl-1', { type: 'label', value: 'card_arrival' })

  const [first] = received
  expect([first?.path, first?.headers.authorization]).toEqual(['/v1/feedback', 'Bearer rg-secret'])
  expect(first?.body).toEqual({
    id: receipt.id,
    inference_id: 'chatcmpl-1',
    type: 'thumbs',
    value: -1,
    author: 'maria',
    occurred_at: '2025-03-01T12:00:00.000Z',
  })
  expect(receipt.inferenceId).toBe('inner')
  expect(received.slice(1).map(({ body }) => [body.type, body.value])).toEqual([
    ['thumbs', 1],
    ['correction', 'lost_card'],
    ['edit', 'Dear Ms Doe …'],
    ['accept', undefined],
    ['comment', 'too long'],
    ['label', 'card_arrival'],
  ])
  const ids = received.map(({ body }) => String(body.id))
  expect(ids.every((id) => UUID_V7.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(7)
  expect(Math.abs(Number.parseInt(receipt.id.replace('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(
    60_000,
  )
})

test('an attempt that got no answer, a 429 and a 503 are repeated with the same id', async () => {
  const { received, baseUrl } = await serve(hangUp, status(429, { 'retry-after': '0' }), status(503), accept)
  const { id } = await new Regraft({ baseUrl }).accept('one')
  expect(received.map(({ body }) => body.id)).toEqual([id, id, id, id])
  expect(new Set(received.map(({ body }) => JSON.stringify(body))).size).toBe(1)
})

test('Retry-After is waited for, in seconds and as a date', async () => {
  const seconds = await serve(status(503, { 'retry-after': '1' }), accept)
  await new Regraft({ baseUrl: seconds.baseUrl }).accept('one')
  expect(seconds.received[1]!.at - seconds.received[0]!.at).toBeGreaterThanOrEqual(990)
  stop()
  const soon = new Date(Date.now() + 1500).toUTCString()
  const date = await serve(status(429, { 'retry-after': soon }), accept)
  await new Regraft({ baseUrl: date.baseUrl }).accept('one')
  expect(date.received[1]!.at).toBeGreaterThanOrEqual(Date.parse(soon) - 10)
})

test('what Regraft refuses is not repeated and says why', async () => {
  const error = { message: 'value: expected 1 or -1', param: 'value', code: 'invalid-input' }
  const { received, baseUrl } = await serve(status(400, {}, JSON.stringify({ error })))
  const refused = new Regraft({ baseUrl }).comment('one', 'x')
  await expect(refused).rejects.toBeInstanceOf(RegraftClientError)
  await expect(refused).rejects.toMatchObject({ ...error, status: 400, attempts: 1 })
  expect(received).toHaveLength(1)
})

test('after the last attempt the error says what happened', async () => {
  const { received, baseUrl } = await serve(status(502, { 'retry-after': '0' }, '<html>Bad Gateway</html>'))
  await expect(new Regraft({ baseUrl, maxRetries: 2 }).accept('one')).rejects.toMatchObject({
    message: 'Regraft answered 502',
    status: 502,
    attempts: 3,
  })
  expect(received).toHaveLength(3)
})

test('a server that is not there, or does not answer in time, is named', async () => {
  const { baseUrl } = await serve(() => {})
  const slow = new Regraft({ baseUrl, maxRetries: 0, timeout: 50 }).accept('one')
  await expect(slow).rejects.toMatchObject({
    status: null,
    message: `${baseUrl}/v1/feedback cannot be reached`,
  })
  stop()
  const gone = new Regraft({ baseUrl, maxRetries: 1 }).accept('one')
  await expect(gone).rejects.toMatchObject({ status: null, attempts: 2 })
})

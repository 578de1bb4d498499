import { afterEach, expect, test } from 'vitest'
import { accept, hangUp, serve as listen, status } from './fixtures/recording-server.ts'
import { Regraft, RegraftClientError, type RegraftOptions } from './index.ts'
import { parseRetryAfter } from './transport.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

let stop: () => void = () => {}
afterEach(() => stop())

async function serve(...answers: Parameters<typeof listen>) {
  const server = await listen(...answers)
  stop = server.stop
  return server
}

function connect(options: RegraftOptions): Regraft {
  return new Regraft({ onError: () => {}, ...options })
}

test('each helper sends its event to /v1/feedback', async () => {
  const { received, baseUrl } = await serve(accept)
  const regraft = connect({ baseUrl: `${baseUrl}/`, apiKey: 'rg-secret' })
  const occurredAt = new Date('2025-03-01T12:00:00Z')
  const receipt = await regraft.thumbs('chatcmpl-1', 'down', { author: 'maria', occurredAt })
  await regraft.thumbs('chatcmpl-1', 'up')
  await regraft.correct('chatcmpl-1', 'lost_card')
  await regraft.edit('chatcmpl-1', 'Dear Ms Doe …')
  await regraft.accept('chatcmpl-1')
  await regraft.comment('chatcmpl-1', 'too long')
  await regraft.label('chatcmpl-1', 'card_arrival')
  await regraft.copy('chatcmpl-1', { candidate: 1, position: 2, propensity: 0.5 })
  await regraft.abandon('chatcmpl-1', { fault: 'wrong' })
  await regraft.regenerate('chatcmpl-1', 'chatcmpl-2')
  await regraft.rephrase('chatcmpl-1')
  await regraft.vote('chatcmpl-1', 'win', 'chatcmpl-2')
  await regraft.vote('chatcmpl-1', 'tie', { candidate: 1 })
  await regraft.judge('chatcmpl-1', 'unwelcome', { signal: 's1', subject: 'ada' })

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
    ['copy', undefined],
    ['abandon', undefined],
    ['regenerate', undefined],
    ['rephrase', undefined],
    ['vote', 'win'],
    ['vote', 'tie'],
    ['judgement', 'unwelcome'],
  ])
  const [copy, abandon, regenerate, rephrase, vote, tie, judgement] = received
    .slice(7)
    .map(({ body }) => body)
  expect(copy).toMatchObject({ candidate: 1, position: 2, propensity: 0.5 })
  expect(abandon).toMatchObject({ fault: 'wrong' })
  expect([regenerate?.next, rephrase?.next]).toEqual(['chatcmpl-2', undefined])
  expect([vote?.other, tie?.other]).toEqual([{ inference: 'chatcmpl-2' }, { candidate: 1 }])
  expect(judgement).toMatchObject({ signal: 's1', subject: 'ada' })
  const ids = received.map(({ body }) => String(body.id))
  expect(ids.every((id) => UUID_V7.test(id))).toBe(true)
  expect(new Set(ids).size).toBe(14)
  expect(Math.abs(Number.parseInt(receipt.id.replace('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(
    60_000,
  )
})

test('an attempt that got no answer, and a 503, are repeated with the same id', async () => {
  const { received, baseUrl } = await serve(hangUp, status(503, { 'retry-after': '0' }), accept)
  const { id } = await connect({ baseUrl }).accept('one')
  expect(received.map(({ body }) => body.id)).toEqual([id, id, id])
  expect(new Set(received.map(({ body }) => JSON.stringify(body))).size).toBe(1)
})

test('Retry-After is waited for', async () => {
  const { received, baseUrl } = await serve(status(429, { 'retry-after': '1' }), accept)
  await connect({ baseUrl }).accept('one')
  expect(received[1]!.at - received[0]!.at).toBeGreaterThanOrEqual(990)
})

test.each([
  ['7', 7_000],
  ['Thu, 26 Nov 2026 12:00:05 GMT', 5_000],
  ['Thu, 26 Nov 2026 11:00:00 GMT', 0],
  ['86400', 30_000],
  ['soon', 0],
  [null, 0],
])('Retry-After: %s is %d ms', (header, milliseconds) => {
  expect(parseRetryAfter(header, Date.UTC(2026, 10, 26, 12))).toBe(milliseconds)
})

test('what Regraft refuses is not repeated and says why', async () => {
  const error = { message: 'value: expected 1 or -1', param: 'value', code: 'invalid-input' }
  const { received, baseUrl } = await serve(status(400, {}, JSON.stringify({ error })))
  const refused = connect({ baseUrl }).comment('one', 'x')
  await expect(refused).rejects.toBeInstanceOf(RegraftClientError)
  await expect(refused).rejects.toMatchObject({ ...error, status: 400, attempts: 1 })
  expect(received).toHaveLength(1)
})

test('after the last attempt the error says what happened', async () => {
  const { received, baseUrl } = await serve(status(502, { 'retry-after': '0' }, '<html>Bad Gateway</html>'))
  await expect(connect({ baseUrl, maxRetries: 2 }).accept('one')).rejects.toMatchObject({
    message: 'Regraft answered 502',
    status: 502,
    attempts: 3,
  })
  expect(received).toHaveLength(3)
})

test('a server that is not there, or does not answer in time, is named', async () => {
  const { baseUrl } = await serve(() => {})
  const slow = connect({ baseUrl, maxRetries: 0, timeout: 50 }).accept('one')
  await expect(slow).rejects.toMatchObject({
    status: null,
    message: `${baseUrl}/v1/feedback cannot be reached`,
  })
  stop()
  const gone = connect({ baseUrl, maxRetries: 1 }).accept('one')
  await expect(gone).rejects.toMatchObject({ status: null, attempts: 2 })
})

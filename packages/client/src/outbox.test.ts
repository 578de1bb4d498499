import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fileStorage } from './file-storage.ts'
import { accept, hangUp, type Received, serve, status } from './fixtures/recording-server.ts'
import { Regraft, type RegraftClientError, type RegraftOptions } from './index.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean()
})

async function start(...answers: Parameters<typeof serve>) {
  const server = await serve(...answers)
  cleanups.push(server.stop)
  return server
}

function connect(options: RegraftOptions) {
  const problems: { error: RegraftClientError; event: unknown }[] = []
  const regraft = new Regraft({ onError: (error, event) => problems.push({ error, event }), ...options })
  cleanups.push(() => void regraft.close())
  return { regraft, problems }
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'regraft-client-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  return join(folder, 'events')
}

const eventsOf = ({ body }: Received) => (body.events ?? [body]) as { id: string; value: string }[]
const valuesOf = (received: Received) => eventsOf(received).map(({ value }) => value)

test('what comes close together shares a request, in order, and each has its own receipt', async () => {
  const { received, baseUrl } = await start(accept)
  const { regraft } = connect({ baseUrl, batchSize: 4 })
  const receipts = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((text) => regraft.comment('1', text)))
  expect(received.map(valuesOf)).toEqual([
    ['a', 'b', 'c', 'd'],
    ['e', 'f'],
  ])
  expect(received.flatMap(eventsOf).map(({ id }) => id)).toEqual(receipts.map(({ id }) => id))
})

test('an event that is refused is reported, and those beside it are not sent again', async () => {
  const error = {
    message: 'value: too long',
    param: 'value',
    code: 'invalid-input',
    type: 'invalid_request_error',
  }
  const busy = { message: 'no space', code: 'unavailable', type: 'server_error' }
  const { received, baseUrl } = await start((_, response, { body }) => {
    const [first] = body.events as { id: string }[]
    const data = [{ ...first, inference_id: 'inner' }, { error }, { error: busy }]
    response.writeHead(202).end(JSON.stringify({ object: 'list', data }))
  }, accept)
  const { regraft, problems } = connect({ baseUrl })
  const sent = ['a', 'b', 'c'].map((text) => regraft.comment('1', text))
  await expect(sent[1]).rejects.toMatchObject({
    code: 'invalid-input',
    param: 'value',
    kept: false,
    attempts: 1,
  })
  await Promise.all([sent[0], sent[2]])
  expect(received.map(valuesOf)).toEqual([['a', 'b', 'c'], ['c']])
  expect(problems).toMatchObject([{ error: { code: 'invalid-input' }, event: { value: 'b' } }])
})

test('a batch that something on the way does not take is sent in smaller ones', async () => {
  const { received, baseUrl } = await start((request, response, entry) => {
    if (eventsOf(entry).length > 2) status(413)(request, response, entry)
    else accept(request, response, entry)
  })
  const { regraft } = connect({ baseUrl })
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => regraft.comment('1', text)))
  expect(received.map((entry) => eventsOf(entry).length)).toEqual([5, 2, 2, 1])
})

test('a page to log in on is no receipt', async () => {
  const page = status(200, { 'content-type': 'text/html' }, '<form>')
  const { received, baseUrl } = await start(page, page, accept)
  const { regraft } = connect({ baseUrl })
  await regraft.comment('1', 'a')
  expect(received).toHaveLength(3)
})

test('after the last attempt the promise rejects, and the event is delivered when the network is back', async () => {
  const { received, baseUrl } = await start(hangUp, hangUp, accept)
  const { regraft, problems } = connect({ baseUrl, maxRetries: 0 })
  const sent = regraft.comment('1', 'a')
  await expect(sent).rejects.toMatchObject({ kept: true, attempts: 1, status: null })
  await expect.poll(() => received.length).toBe(3)
  await expect.poll(() => regraft.flush()).toBe(0)
  expect(new Set(received.flatMap(eventsOf).map(({ id }) => id)).size).toBe(1)
  expect(problems).toHaveLength(1)
})

test('the buffer is bounded: the oldest is given up and reported', async () => {
  const { received, baseUrl } = await start(accept)
  const { regraft, problems } = connect({ baseUrl, maxBuffered: 3 })
  const sent = ['a', 'b', 'c', 'd', 'e'].map((text) => regraft.comment('1', text))
  await expect(sent[0]).rejects.toMatchObject({ message: 'more than 3 events wait to be sent', kept: false })
  await Promise.all(sent.slice(2))
  expect(received.map(valuesOf)).toEqual([['c', 'd', 'e']])
  expect(problems.map(({ event }) => event)).toMatchObject([{ value: 'a' }, { value: 'b' }])
})

test('an event with the id of one that waits is the same event', async () => {
  const { received, baseUrl } = await start(accept)
  const { regraft } = connect({ baseUrl })
  const id = '11111111-2222-4333-8444-555555555555'
  await Promise.all([regraft.accept('1', { id }), regraft.accept('1', { id })])
  expect(received.flatMap(eventsOf)).toHaveLength(1)
})

test('close delivers what waits, reports what it cannot, and takes no more', async () => {
  const { received, baseUrl } = await start(accept, hangUp)
  const { regraft, problems } = connect({ baseUrl, maxRetries: 0 })
  void regraft.comment('1', 'a')
  expect(await regraft.flush()).toBe(0)
  void regraft.comment('1', 'b')
  expect(await regraft.close()).toBe(1)
  expect(received.map(valuesOf)).toEqual([['a'], ['b']])
  expect(problems.map(({ error }) => error.kept)).toEqual([true, false])
  await expect(regraft.comment('1', 'c')).rejects.toMatchObject({ message: 'this Regraft client is closed' })
})

test('a process that is killed leaves its events in the file, and the next one delivers them once', async () => {
  const path = temporaryFile()
  const { received, baseUrl, stop } = await start(accept)
  const script = `
    import { Regraft } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
    import { fileStorage } from ${JSON.stringify(join(import.meta.dirname, 'file-storage.ts'))}
    const storage = fileStorage(${JSON.stringify(path)})
    const regraft = new Regraft({ baseUrl: 'http://127.0.0.1:9', storage })
    regraft.comment('1', 'naïve 😀')
    regraft.comment('1', 'b')
    process.kill(process.pid, 'SIGKILL')`
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect([signal, stderr.replaceAll(/\(node:.*\n.*\n/g, '')]).toEqual(['SIGKILL', ''])
  // The prefix holds the address, and a last line may have been cut short.
  const text = readFileSync(path, 'utf8').replaceAll('http://127.0.0.1:9', baseUrl)
  writeFileSync(path, `${text}["regraft 3`)
  const { regraft } = connect({ baseUrl, storage: fileStorage(path) })
  expect(await regraft.flush()).toBe(0)
  expect(received.map(valuesOf)).toEqual([['naïve 😀', 'b']])
  expect(readFileSync(path, 'utf8')).toBe('')
  stop()
})

test('a storage that fails leaves the event in memory', async () => {
  const { received, baseUrl } = await start(accept)
  const full = () => {
    throw new Error('the quota has been exceeded')
  }
  const { regraft, problems } = connect({ baseUrl, storage: { load: () => [], set: full, remove: () => {} } })
  await regraft.comment('1', 'a')
  expect(received.map(valuesOf)).toEqual([['a']])
  expect(problems).toMatchObject([{ error: { message: 'events cannot be stored', kept: true } }])
})

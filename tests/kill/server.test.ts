// A server that is killed while a client writes to it has lost nothing that it acknowledged.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Regraft } from '@regraft/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { openJournals } from '../../packages/regraft/src/capture/index.ts'
import { recordBase } from '../../packages/regraft/src/models/index.ts'
import { openStore, type Store } from '../../packages/regraft/src/store/index.ts'
import { type CliProcess, startServer } from '../cli-process.ts'
import { moments } from './moments.ts'

/** A kill comes at most this long after the first acknowledgement, in milliseconds. */
const LOAD_TIME = 1_500
const CLIENTS = 3

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-server-'))
const dataDirectory = join(folder, '.regraft')
let server: CliProcess & { url: string }

/** Ids that the server acknowledged, of all its lives. */
const inferences: string[] = []
const feedback: string[] = []

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  writeFileSync(join(folder, 'regraft.yaml'), 'bases:\n  pico: { path: pico }\n')
  await withStore((store) =>
    recordBase(store.project('default'), { name: 'pico', path: join(folder, 'pico'), endOfLife: null }),
  )
})
afterAll(async () => {
  await server?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  mkdirSync(dataDirectory, { recursive: true })
  const store = await openStore({ dataDirectory })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** Asks for answers, whole and streamed, and sends feedback about each, until the server is gone. */
async function keepWriting(url: string, client: number): Promise<void> {
  const regraft = new Regraft({ baseUrl: url, maxRetries: 0 })
  for (let turn = 0; ; turn++) {
    try {
      const stream = (turn + client) % 2 === 1
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'pico',
          messages: [{ role: 'user', content: 'card' }],
          max_tokens: 4,
          stream,
        }),
      })
      const text = await answer.text()
      // A stream is acknowledged with its last line, not with the first words.
      if (!answer.ok || (stream && !text.includes('[DONE]'))) return
      const id = /chatcmpl-([0-9a-f-]{36})/.exec(text)![1]!
      inferences.push(id)
      feedback.push((await regraft.correct(id, `right ${turn}`)).id)
      feedback.push((await regraft.thumbs(id, 'down')).id)
    } catch {
      return
    }
  }
}

/** Ids of the processes that a process has started. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).map(Number) : []
}

async function stored(): Promise<{ inferences: number; feedback: number }> {
  return withStore(async (store) => {
    const project = store.project('default')
    const journals = await openJournals(join(dataDirectory, 'journal'), { store })
    const journal = await journals.of('default')
    await journal.drained()
    expect(journal.status().undrainedBytes).toBe(0)
    await journals.close()
    return {
      inferences: await project.inferences.count({ ids: inferences }),
      feedback: await project.feedback.count({ ids: feedback }),
    }
  })
}

test.each(moments('server', 3))(
  'killed after %f of a burst of traffic, it has everything it acknowledged',
  async (moment) => {
    const before = inferences.length
    // From the second life on this takes over the lock of a dead process.
    server = await startServer(folder)
    const clients = Array.from({ length: CLIENTS }, (_, client) => keepWriting(server.url, client))
    while (inferences.length === before) await sleep(5)
    await sleep(moment * LOAD_TIME)
    const helpers = childrenOf(server.child.pid!)
    expect((await server.kill('SIGKILL')).signal).toBe('SIGKILL')
    await Promise.all(clients)
    expect(inferences.length).toBeGreaterThan(before)
    expect(await stored()).toEqual({ inferences: inferences.length, feedback: feedback.length })
    // The engine's process ends with the one that started it.
    for (let wait = 0; wait < 100 && helpers.some((pid) => existsSync(`/proc/${pid}`)); wait++)
      await sleep(50)
    expect(helpers.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  },
)

test('after all that, the next server is ready, answers and ends in order', async () => {
  server = await startServer(folder)
  expect((await fetch(`${server.url}/ready`)).status).toBe(200)
  const models = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] }
  expect(models.data.map(({ id }) => id)).toEqual(['pico'])
  expect((await server.kill('SIGTERM')).code).toBe(143)
  expect(await stored()).toEqual({ inferences: inferences.length, feedback: feedback.length })
  expect(new Set(inferences).size).toBe(inferences.length)
})

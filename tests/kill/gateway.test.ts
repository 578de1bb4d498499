// A server that is killed while it passes on requests to an upstream has every answer in its journal that a caller has whole.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openJournals } from '../../packages/regraft/src/capture/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { type CliProcess, startServer } from '../cli-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { moments } from './moments.ts'

/** A kill comes at most this long after the first acknowledgement, in milliseconds. */
const LOAD_TIME = 1_500
const CLIENTS = 8

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-gateway-'))
const dataDirectory = join(folder, '.regraft')
let upstream: FakeUpstream
let server: CliProcess & { url: string }

/** Of all lives: the inference id and what the answer says. */
const acknowledged = new Map<string, string>()

beforeAll(async () => {
  upstream = await startFakeUpstream()
  writeFileSync(
    join(folder, 'regraft.yaml'),
    `upstreams:\n  fake: { url: "${upstream.url}", models: [gpt] }\nroutes:\n  support: { model: gpt }\n`,
  )
})
afterAll(async () => {
  await server?.kill('SIGKILL')
  await upstream?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Asks for answers, whole and streamed, of one person and of nobody, until the server is gone. */
async function keepAsking(client: number): Promise<void> {
  for (let turn = 0; ; turn++) {
    const stream = (turn + client) % 2 === 1
    const content = `${client}/${turn}`
    const messages = [{ role: 'user', content }]
    const user = turn % 3 === 0 ? { user: 'anna' } : {}
    try {
      const answer = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        body: JSON.stringify({ model: 'support', messages, stream, ...user }),
      })
      const text = await answer.text()
      // A stream is acknowledged with its last line, not with the first words.
      if (!answer.ok || (stream && !text.includes('[DONE]'))) return
      acknowledged.set(answer.headers.get('x-regraft-inference-id')!, `answer 0 to ${content}`)
    } catch {
      return
    }
  }
}

async function stored(): Promise<Map<string, string | null>> {
  const store = await openStore({ dataDirectory })
  const journals = await openJournals(join(dataDirectory, 'journal'), { store })
  await journals.drained('default')
  await journals.close()
  const rows = new Map<string, string | null>()
  for await (const { id, payload } of store
    .project('default')
    .inferences.select({ ids: [...acknowledged.keys()] }))
    rows.set(id, payload.response)
  await store.close()
  return rows
}

test.each(moments('gateway', 3))(
  'killed after %f of a burst of traffic, it has every answer',
  async (moment) => {
    const before = acknowledged.size
    server = await startServer(folder)
    const clients = Array.from({ length: CLIENTS }, (_, client) => keepAsking(client))
    while (acknowledged.size === before) await sleep(5)
    await sleep(moment * LOAD_TIME)
    expect((await server.kill('SIGKILL')).signal).toBe('SIGKILL')
    await Promise.all(clients)
    expect(acknowledged.size).toBeGreaterThan(before)
    expect(await stored()).toEqual(acknowledged)
  },
)

test('one that is told to end logs the streams that it cuts off', async () => {
  server = await startServer(folder)
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({
      model: 'support',
      messages: [{ role: 'user', content: 'endless' }],
      stream: true,
    }),
  })
  const id = response.headers.get('x-regraft-inference-id')!
  expect((await server.kill('SIGTERM')).code).toBe(143)
  await response.text().catch(() => {})
  acknowledged.clear()
  acknowledged.set(id, 'answer 0 ')
  expect(await stored()).toEqual(acknowledged)
})

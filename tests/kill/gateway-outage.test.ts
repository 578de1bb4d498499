// The proxied path while the store is slow, then gone, and while a journal cannot be written: callers notice nothing, and
// nothing that was acknowledged is lost.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Journals, openJournals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { createGateway } from '../../packages/regraft/src/interfaces/holder/gateway.ts'
import { createApp } from '../../packages/regraft/src/interfaces/http/app.ts'
import { protocols } from '../../packages/regraft/src/interfaces/http/protocols.ts'
import type { Services } from '../../packages/regraft/src/operation/index.ts'
import { openStore, type Store } from '../../packages/regraft/src/store/index.ts'
import { startFakeUpstream } from '../fake-upstream.ts'

const CLIENTS = 8

const warnings: string[] = []
const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message), error() {} }

async function serve(folder: string, store: Store, journals: Journals, upstream: string) {
  const settings = { 'upstreams.fake.url': upstream, 'upstreams.fake.models': ['gpt'] }
  const overrides = Object.entries(settings).map(([path, value]) => ({ path, value, option: 'test' }))
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: folder }, overrides })
  const services = { journals } as Services
  const app = createApp({ store, config, operations: [], protocols, services, log })
  const gateway = createGateway()
  gateway.open((request, environment) => app.fetch(request, environment))
  const server = createServer(gateway.listener('keyed')).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

test('a store that is slow, then gone, under load: every answer comes and every answer is stored later', async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'regraft-outage-'))
  const upstream = await startFakeUpstream()
  let store = await openStore({ dataDirectory })
  let journals = await openJournals(join(dataDirectory, 'journal'), { store })
  const server = await serve(dataDirectory, store, journals, upstream.url)
  const { key } = await store.project('default').apiKeys.create('product', ['infer', 'feedback'])
  const acknowledged: string[] = []
  let stop = false

  const send = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...headers },
      body: JSON.stringify(body),
    })
  const keepAsking = async (client: number) => {
    for (let turn = 0; !stop; turn++) {
      const stream = (turn + client) % 2 === 1
      const messages = [{ role: 'user', content: `${client}/${turn}` }]
      const answer = await send('/v1/chat/completions', {
        model: 'gpt',
        messages,
        stream,
        user: `u${client}`,
      })
      const text = await answer.text()
      expect(answer.status, text).toBe(200)
      if (stream) expect(text).toContain('[DONE]')
      acknowledged.push(answer.headers.get('x-regraft-inference-id')!)
    }
  }
  const answeredUntil = async (count: number) => {
    while (acknowledged.length < count) await sleep(2)
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, client) => keepAsking(client)))
  await Promise.race([answeredUntil(100), clients])

  // PGlite has one session, and it sleeps now.
  let isSlow = true
  const slow = store.sql.executeSql('select pg_sleep(5)').then(() => {
    isSlow = false
  })
  await Promise.race([answeredUntil(acknowledged.length + 60), clients])
  expect(isSlow).toBe(true)
  await slow

  await store.close()
  await Promise.race([answeredUntil(acknowledged.length + 100), clients])
  stop = true
  await clients
  await journals.close()

  store = await openStore({ dataDirectory })
  journals = await openJournals(join(dataDirectory, 'journal'), { store })
  await journals.drained('default')
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  expect(await store.project('default').inferences.count({ ids: acknowledged })).toBe(acknowledged.length)
  const subjects = new Set<string | null>()
  for await (const { subject } of store.project('default').inferences.select({ ids: acknowledged }))
    subjects.add(subject)
  expect([subjects.size, subjects.has(null)]).toEqual([CLIENTS, false])

  // The journal of a project that cannot be written: an answer comes all the same, feedback is refused.
  writeFileSync(join(dataDirectory, 'journal', 'broken'), 'where a folder should be')
  const other = await serve(dataDirectory, store, journals, upstream.url)
  const { key: brokenKey } = await store.project('broken').apiKeys.create('p', ['infer', 'feedback'])
  const post = (path: string, body: object) =>
    fetch(other.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${brokenKey}`, 'x-regraft-project': 'broken' },
      body: JSON.stringify(body),
    })
  const answer = await post('/v1/chat/completions', {
    model: 'gpt',
    messages: [{ role: 'user', content: 'hi' }],
  })
  expect([answer.status, answer.headers.get('x-regraft-inference-id')]).toEqual([200, null])
  expect(await answer.text()).toContain('answer 0 to hi')
  expect(warnings).toEqual([expect.stringMatching(/without being logged \(1 of this process/)])
  const feedback = await post('/v1/feedback', { inference_id: 'chatcmpl-x', type: 'accept' })
  expect(feedback.status).toBeGreaterThanOrEqual(500)

  for (const { close } of [server, other]) close()
  await journals.close()
  await store.close()
  await upstream.close()
  rmSync(dataDirectory, { recursive: true, force: true })
})

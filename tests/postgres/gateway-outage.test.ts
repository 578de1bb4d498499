// A server whose Postgres is locked, then refuses and drops every connection, under load: callers of an upstream notice
// nothing, and when the database is back every answer is in it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { runSql, type TestEngine, testEngines } from '../../packages/regraft/src/store/testing.ts'
import { type CliProcess, runJson, startServer } from '../cli-process.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'

const CLIENTS = 8
const [, postgres] = (await testEngines()) as [TestEngine, TestEngine?]
const skipped = postgres ? postgres.skipped : 'REGRAFT_TEST_POSTGRES is not set'
const folder = mkdtempSync(join(tmpdir(), 'regraft-postgres-gateway-'))
let server: (CliProcess & { url: string }) | undefined
let upstream: FakeUpstream | undefined

afterAll(async () => {
  await server?.kill('SIGKILL')
  await upstream?.close()
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test.skipIf(skipped !== null)(
  `Postgres is locked, then gone, then back${skipped ? ` (SKIPPED: ${skipped})` : ''}`,
  async () => {
    const databaseUrl = (await postgres!.options()).databaseUrl!
    const environment = { DATABASE_URL: databaseUrl }
    upstream = await startFakeUpstream()
    const lines = [
      'server: { requireKey: true }',
      `upstreams: { fake: { url: "${upstream.url}", models: [gpt] } }`,
    ]
    writeFileSync(join(folder, 'regraft.yaml'), lines.join('\n'))
    const create = ['keys', 'create', 'product', '--scope', 'infer']
    const { key } = await runJson<{ key: string }>(folder, create, environment)
    server = await startServer(folder, environment)
    const { url } = server

    const acknowledged: string[] = []
    let stop = false
    const keepAsking = async (client: number) => {
      for (let turn = 0; !stop; turn++) {
        const stream = (turn + client) % 2 === 1
        const messages = [{ role: 'user', content: `${client}/${turn}` }]
        const answer = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify({ model: 'gpt', messages, stream }),
        })
        const text = await answer.text()
        expect(answer.status, text).toBe(200)
        if (stream) expect(text).toContain('[DONE]')
        acknowledged.push(answer.headers.get('x-regraft-inference-id')!)
      }
    }
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, client) => keepAsking(client)))
    const answered = async (more: number) => {
      const count = acknowledged.length + more
      while (acknowledged.length < count) await sleep(2)
    }
    const answerMore = (more: number) => Promise.race([answered(more), clients])
    await answerMore(100)

    const lock = 'lock table inferences, api_keys, projects in access exclusive mode'
    const locking = runSql(databaseUrl, `begin; ${lock}; select pg_sleep(600)`).catch(() => 'ended')
    await answerMore(200)
    const locker = `select pg_terminate_backend(pid) from pg_stat_activity
      where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()`
    await runSql(databaseUrl, locker)
    expect(await locking).toBe('ended')

    const postgresServer = new URL(databaseUrl)
    const name = postgresServer.pathname.slice(1)
    postgresServer.pathname = '/postgres'
    await runSql(postgresServer.href, `alter database ${name} with allow_connections false`)
    const connected = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`
    await runSql(postgresServer.href, connected)
    await answerMore(200)
    await sleep(500)
    await answerMore(100)
    stop = true
    await clients
    await runSql(postgresServer.href, `alter database ${name} with allow_connections true`)

    const store = await openStore({ dataDirectory: join(folder, 'look'), databaseUrl })
    const { inferences } = store.project('default')
    expect(new Set(acknowledged).size).toBe(acknowledged.length)
    await expect
      .poll(() => inferences.count({ ids: acknowledged }), { timeout: 30_000, interval: 200 })
      .toBe(acknowledged.length)
    await store.close()
    expect((await server.kill('SIGTERM')).code).toBe(143)
  },
)

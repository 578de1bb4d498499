// The engine's process is killed while it starts and loads an adapter: the server goes on, and the adapter answers.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { recordBase } from '../../packages/regraft/src/models/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { type CliProcess, startServer } from '../cli-process.ts'
import { moments } from './moments.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-load-'))
let server: CliProcess & { url: string }
/** Of a start and a load that nobody disturbs, in milliseconds. */
let loadTime = 0

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  const golden = join(import.meta.dirname, '../../bench/golden/pico-adapters')
  cpSync(golden, join(folder, 'adapters'), { recursive: true })
  const config = ['bases:', '  pico: { path: pico }', 'server: { adapterDirectory: adapters }', '']
  writeFileSync(join(folder, 'regraft.yaml'), config.join('\n'))
  mkdirSync(join(folder, '.regraft'))
  const store = await openStore({ dataDirectory: join(folder, '.regraft') })
  await recordBase(store.project('default'), { name: 'pico', path: join(folder, 'pico'), endOfLife: null })
  await store.close()
  server = await startServer(folder)
  const started = performance.now()
  expect(await load('first')).toBe(200)
  loadTime = performance.now() - started
})
afterAll(async () => {
  await server?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function post(path: string, body: object): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

async function load(name: string): Promise<number> {
  const { status, text } = await post('/v1/load_lora_adapter', { lora_name: name, lora_path: 'plain' })
  if (status !== 200)
    expect(JSON.parse(text)).toMatchObject({ error: { message: expect.stringMatching(/./) } })
  return status
}

function engineOf(pid: number): number | undefined {
  const path = `/proc/${pid}/task/${pid}/children`
  return existsSync(path)
    ? Number(readFileSync(path, 'utf8').trim().split(' ').find(Boolean)) || undefined
    : undefined
}

async function killEngine(): Promise<void> {
  let engine = engineOf(server.child.pid!)
  while (engine === undefined) {
    await sleep(1)
    engine = engineOf(server.child.pid!)
  }
  process.kill(engine, 'SIGKILL')
  while (existsSync(`/proc/${engine}/fd`) && engineOf(server.child.pid!) === engine) await sleep(1)
}

test.each(moments('adapter load', 3))(
  'killed after %f of the load, the engine comes back',
  async (moment) => {
    await killEngine()
    const name = `adapter-${moment}`
    const loading = load(name)
    await sleep(moment * loadTime)
    await killEngine()
    // It was loaded by a second process, or the caller was told and asks again.
    if ((await loading) !== 200) expect(await load(name)).toBe(200)
    const messages = [{ role: 'user', content: 'card' }]
    for (const model of [name, 'first', 'pico']) {
      expect(await post('/v1/chat/completions', { model, messages, max_tokens: 2 })).toMatchObject({
        status: 200,
      })
    }
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
  },
)

test('killed in the middle of a batch, every caller is told and the next is answered', async () => {
  const messages = [{ role: 'user', content: 'card' }]
  const ask = (seed: number, stream: boolean) =>
    post('/v1/chat/completions', { model: 'first', messages, max_tokens: 100, temperature: 2, seed, stream })
  for (const moment of moments('batch', 3)) {
    expect(await post('/v1/chat/completions', { model: 'first', messages, max_tokens: 1 })).toMatchObject({
      status: 200,
    })
    const batch = Array.from({ length: 8 }, (_, i) => ask(i, i % 2 === 1))
    await sleep(moment * 100)
    await killEngine()
    for (const { status, text } of await Promise.all(batch)) {
      // Whole, refused with an error, or a stream that ends with its error instead of [DONE].
      const told = status === 500 || /"error":|finish_reason":"(stop|length)"/.test(text)
      expect(told, `${status} ${text}`).toBe(true)
    }
  }
  expect((await ask(1, false)).status).toBe(200)
})

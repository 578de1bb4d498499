// The client SDK: the server and the product are killed again and again, and every event is stored, and stored once.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { openJournals } from '../../packages/regraft/src/capture/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { collect } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { type CliProcess, startServer } from '../cli-process.ts'
import { moments } from './moments.ts'

const PRODUCT = join(import.meta.dirname, 'feedback-product.ts')
/** A kill comes at most this long after the product began, in milliseconds. */
const LIFE_TIME = 1_500

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-client-'))
let server: CliProcess & { url: string }
afterAll(async () => {
  await server?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Events that a product had handed over; it is durable from then on. */
const handedOver: string[] = []

function startProduct(name: string) {
  const child = spawn(process.execPath, [PRODUCT, server.url, join(folder, 'events'), name])
  let said = ''
  child.stdout.on('data', (bytes) => {
    said += bytes
  })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  ended.then(() => handedOver.push(...said.split('\n').slice(0, -1)))
  const begun = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  return { child, begun, ended }
}

test('events of a product that is killed, sent to a server that is killed, are stored once each', async () => {
  writeFileSync(join(folder, 'regraft.yaml'), 'project: default\n')
  server = await startServer(folder)
  const port = Number(new URL(server.url).port)
  for (const [life, moment] of moments('client', 3).entries()) {
    const product = startProduct(`life ${life}`)
    await product.begun
    await sleep(moment * LIFE_TIME)
    await server.kill('SIGKILL')
    await sleep(moment * 300)
    if (life === 1) server = await startServer(folder, {}, port)
    product.child.kill('SIGKILL')
    await product.ended
    if (life !== 1) server = await startServer(folder, {}, port)
  }
  await startProduct('last').ended
  expect((await server.kill('SIGTERM')).code).toBe(143)
  const store = await openStore({ dataDirectory: join(folder, '.regraft') })
  // What the server had acknowledged last may still be in its journal.
  const journals = await openJournals(join(folder, '.regraft', 'journal'), { store })
  await journals.drained('default')
  await journals.close()
  const rows = await collect(store.project('default').feedback.select())
  await store.close()
  const stored = rows.map(({ payload }) => ('value' in payload ? String(payload.value) : ''))
  expect(handedOver.length).toBeGreaterThan(100)
  expect(handedOver.filter((value) => !stored.includes(value))).toEqual([])
  expect(new Set(stored).size).toBe(stored.length)
})

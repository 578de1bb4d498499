// The whole loop once, as a user goes through it: the real command line on sample traffic and the bundled base.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Regraft } from '@regraft/client'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  generateEvaluation,
  generateHeldout,
  generateTraffic,
} from '../packages/regraft/samples/support-desk/traffic.ts'
import { CliProcess, runJson, startServer } from './cli-process.ts'

const BUNDLED = join(import.meta.dirname, '../packages/regraft/bases/regraft-nano')

const SAMPLE = { seed: 5, count: 300 }
const CONFIG = `
tasks:
  desk:
    system: Route the ticket to a queue.
    consent: sample traffic, made by a generator
    evaluation: desk
owners: { owner: ada, deputy: grace }
bases:
  own-copy: { path: base }
`

const folder = mkdtempSync(join(tmpdir(), 'regraft-journey-'))
let server: (CliProcess & { url: string }) | undefined
const run = <T>(...args: string[]) => runJson<T>(folder, args)

beforeAll(() => {
  cpSync(BUNDLED, join(folder, 'base'), { recursive: true })
  const { rows } = generateTraffic(SAMPLE)
  writeFileSync(join(folder, 'traffic.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const items = generateEvaluation({ ...SAMPLE, size: 60 }).map(
    ({ text, label }) => `${quoted(text)},${label}\n`,
  )
  writeFileSync(join(folder, 'evaluation.csv'), `text,label\n${items.join('')}`)
})
afterAll(async () => {
  await server?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

interface BuildAnswer {
  train: number
  signals: Record<string, number>
  dropped: Record<string, number>
}

interface VerdictAnswer {
  verdict: { outcome: string; finding?: string; reason: string; effect?: number; interval?: { low: number } }
  rebuilt: string | null
}

test('traffic becomes a snapshot, an adapter that passes its gate, a served model, and the same bytes again', async () => {
  await run('init')
  const config = join(folder, 'regraft.yaml')
  writeFileSync(config, readFileSync(config, 'utf8') + CONFIG)

  const imported = await run<{ inferences: number; rejectedRows: number }>(
    'import',
    'traffic.jsonl',
    '--task',
    'desk',
  )
  expect(imported).toMatchObject({ inferences: 300, rejectedRows: 0 })
  const sealing = ['evaluation.csv', '--as', 'desk', '--text', 'text', '--label', 'label']
  const sealed = await run<{ items: number }>('datasets', 'seal', ...sealing)
  expect(sealed.items).toBe(60)
  const built = await run<BuildAnswer>('datasets', 'build', '--task', 'desk')
  expect(built.train).toBeGreaterThan(100)
  expect(built.dropped['exact-duplicate']).toBeGreaterThan(0)

  const options = ['--base', 'own-copy', '--epochs', '3', '--rank', '4', '--learning-rate', '5e-3']
  const trained = await run<{ adapter: string; loss: number }>('training', 'run', ...options)
  const judged = await run<VerdictAnswer>('gates', 'check')
  expect(judged.verdict).toMatchObject({ outcome: 'pass', effect: expect.any(Number) })
  expect(judged.verdict.interval!.low).toBeGreaterThan(0)
  const registered = await run<{ adapter: string; version: number }>('fleet', 'register', 'desk')
  expect(registered).toMatchObject({ adapter: trained.adapter, version: 1 })

  server = await startServer(folder)
  const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' })
  const [ticket] = generateHeldout(SAMPLE)
  const request = {
    model: 'desk',
    messages: [
      { role: 'system' as const, content: 'Route the ticket to a queue.' },
      { role: 'user' as const, content: ticket!.text },
    ],
    max_tokens: 12,
  }
  const whole = await openai.chat.completions.create(request)
  let streamed = ''
  for await (const chunk of await openai.chat.completions.create({ ...request, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? ''
  }
  expect(streamed).toBe(whole.choices[0]!.message.content)
  expect(streamed).toMatch(/[a-z]/)
  const receipt = await new Regraft({ baseUrl: server.url }).correct(whole.id, ticket!.label)
  expect(`chatcmpl-${receipt.inferenceId}`).toBe(whole.id)
  // Both commands below go through the server, which holds the data directory.
  const rebuilt = await run<VerdictAnswer>('fleet', 'rebuild', 'desk')
  expect(rebuilt.verdict).toMatchObject({ outcome: 'pass', finding: 'REPRODUCED' })
  expect(rebuilt.rebuilt).toBe(trained.adapter)

  const weights = join(folder, 'base', 'model.safetensors')
  const bytes = readFileSync(weights)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(weights, bytes)
  const tampered = await run<VerdictAnswer>('fleet', 'rebuild', 'desk')
  expect(tampered.verdict).toMatchObject({ outcome: 'fail', finding: 'IMPOSSIBLE' })
  expect(tampered.verdict.reason).toMatch(/base own-copy: the weights of base own-copy changed/)
  rmSync(join(folder, 'base'), { recursive: true })
  const removed = await run<VerdictAnswer>('fleet', 'rebuild', 'desk')
  expect(removed.verdict.reason).toMatch(/base own-copy: the base own-copy is not at/)
  const checked = await new CliProcess(folder, ['fleet', 'check']).ended
  expect(checked).toMatchObject({ code: 10, stdout: expect.stringMatching(/desk v1: 2 red, 0 days/) })

  expect((await server.kill('SIGTERM')).code).toBe(143)
  // The correction has become one more row to train on.
  const next = await run<BuildAnswer>('datasets', 'build', '--task', 'desk')
  expect(next.signals.correction).toBe(built.signals.correction! + 1)
  expect(next.dropped).toEqual({ ...built.dropped, 'no-signal': built.dropped['no-signal']! + 1 })
}, 300_000)

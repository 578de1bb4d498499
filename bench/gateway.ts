// What the gateway adds to a request: `regraft serving up` with capture on beside a bare proxy (node:http and undici, no
// log), both in front of the same upstream. Arrivals are open-loop (Poisson): a late answer delays no later request.
//
//   [GATEWAY_OPTIONS='--cpu-prof'] node bench/gateway.ts [--rate 200] [--rounds 10] [--seconds 4] [--fsync always] [--engines pglite,postgres]
//
// Upstream, bare proxy, gateways and load are processes of their own. Each round gives every variant one block, in
// turns, so that a difference compares the same half minute; the load of a block goes to one variant only. Times run
// from the sending of a request to its first and its last byte.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { median, percentile, Random } from '@regraft/methods'
import { Pool } from 'undici'
import { openStore } from '../packages/regraft/src/store/index.ts'
import { type TestEngine, testEngines } from '../packages/regraft/src/store/testing.ts'
import { startServer } from '../tests/cli-process.ts'
import { describeMachine } from './measure.ts'

/** Milliseconds until the upstream's answer is whole, and pieces of a streamed one. */
const ANSWER_TIME = 20
const PIECES = 8
/** Of each block, in milliseconds, not counted: connections have been closed since the last one. */
const WARM_UP = 500

const ANSWER = 'The parcel left our house on Monday and waits at the station near you. '.repeat(6)
const PROMPT = 'My card was swallowed by the machine at the station. '.repeat(6)

interface Times {
  /** Milliseconds to the first and to the last byte, of each request. */
  first: number[]
  whole: number[]
  failures: string[]
  /** Requests, counted or not. */
  asked: number
}
interface Block {
  url: string
  rate: number
  seconds: number
  stream: boolean
  seed: number
}

const role = process.argv[2]
if (role === 'upstream') serveUpstream()
else if (role === 'bare') serveBare(process.argv[3]!)
else if (role === 'load') serveLoad()
else await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '4' },
      fsync: { type: 'string', default: 'always' },
      engines: { type: 'string', default: 'pglite,postgres' },
    },
  })
  const [rate, rounds, seconds] = [values.rate, values.rounds, values.seconds].map(Number) as [
    number,
    number,
    number,
  ]
  process.env.REGRAFT_TEST_POSTGRES = values.engines.includes('postgres') ? '1' : ''
  const folder = mkdtempSync(join(tmpdir(), 'regraft-bench-gateway-'))
  const engines = (await testEngines()).filter(
    ({ name, skipped }) => values.engines.includes(name.toLowerCase()) && !skipped,
  )
  const upstream = await startRole('upstream')
  const bare = await startRole('bare', upstream.url)
  const load = fork(import.meta.filename, ['load'])
  const variants = [{ name: 'bare proxy', url: bare.url, pid: bare.child.pid! }]
  const servers = []
  for (const engine of engines) {
    const server = await startGateway(folder, engine, upstream.url, values.fsync)
    servers.push(server)
    variants.push({ name: `gateway, ${engine.name}`, url: server.url, pid: server.child.pid! })
  }
  console.log(describeMachine())
  console.log(
    `${rate} requests/s, open loop, ${rounds} rounds with blocks of ${seconds} s, an answer in ${ANSWER_TIME} ms, fsync ${values.fsync}`,
  )
  try {
    for (const stream of [false, true])
      for (const { url } of variants) await runBlock(load, { url, rate, seconds: 3, stream, seed: 0 })
    const results = [false, true].map((stream) => ({
      stream,
      of: new Map(variants.map(({ name }) => [name, { rounds: [] as Times[], cpu: 0 }])),
    }))
    for (let round = 0; round < rounds; round++) {
      for (const { stream, of } of results) {
        // The order turns, so that nobody always comes after the same one.
        for (const offset of variants.keys()) {
          const { name, url, pid } = variants[(round + offset) % variants.length]!
          const result = of.get(name)!
          const before = cpuTime(pid)
          result.rounds.push(await runBlock(load, { url, rate, seconds, stream, seed: round + 1 }))
          await sleep(300)
          result.cpu += cpuTime(pid) - before
        }
      }
    }
    for (const { stream, of } of results) report(stream, of)
    for (const [index, engine] of engines.entries()) {
      await servers[index]!.server.kill('SIGTERM')
      console.log(`${engine.name}: ${await countRows(servers[index]!.options)} answers in the store`)
    }
  } finally {
    for (const { server } of servers) await server.kill('SIGKILL')
    for (const child of [load, bare.child, upstream.child]) child.kill()
    for (const engine of engines) await engine.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function report(stream: boolean, results: Map<string, { rounds: Times[]; cpu: number }>): void {
  const [[, bare] = [undefined, undefined]] = results
  for (const kind of stream ? (['first', 'whole'] as const) : (['whole'] as const)) {
    console.log(
      `\n${stream ? 'streamed answers' : 'whole answers'}, ms to the ${kind === 'first' ? 'first' : 'last'} byte`,
    )
    for (const [name, { rounds, cpu }] of results) {
      const all = rounds.flatMap((times) => times[kind])
      const asked = rounds.reduce((sum, times) => sum + times.asked, 0)
      const failures = rounds.flatMap((times) => times.failures)
      const added = (percent: number) => {
        const base = percentile(
          bare!.rounds.flatMap((times) => times[kind]),
          percent,
        )
        const each = rounds.map(
          (times, round) =>
            percentile(times[kind], percent) - percentile(bare!.rounds[round]![kind], percent),
        )
        const [low, high] = [Math.min(...each), Math.max(...each)]
        return `${(percentile(all, percent) - base).toFixed(2)} (rounds: median ${median(each).toFixed(2)}, ${low.toFixed(2)} to ${high.toFixed(2)})`
      }
      const own = `p50 ${percentile(all, 50).toFixed(2)}, p99 ${percentile(all, 99).toFixed(2)}`
      const more = rounds === bare!.rounds ? '' : `; added p50 ${added(50)}, p99 ${added(99)}`
      console.log(
        `${name.padEnd(18)} n = ${all.length}, ${own}${more}; ${(cpu / asked).toFixed(2)} ms of CPU each`,
      )
      if (failures.length > 0) console.log(`  ${failures.length} FAILED: ${failures[0]}`)
    }
  }
}

async function startGateway(folder: string, engine: TestEngine, upstream: string, fsync: string) {
  const options = await engine.options()
  const home = join(folder, engine.name)
  mkdirSync(home)
  writeFileSync(
    join(home, 'regraft.yaml'),
    [
      `dataDirectory: ${options.dataDirectory}`,
      'upstreams:',
      `  fake: { url: "${upstream}/v1", models: [gpt], prices: { gpt: { prompt: 1, completion: 2 } } }`,
      `capture: { fsync: ${fsync} }`,
    ].join('\n'),
  )
  const server = await startServer(home, {
    DATABASE_URL: options.databaseUrl ?? '',
    NODE_OPTIONS: process.env.GATEWAY_OPTIONS ?? '',
  })
  return { server, options, url: server.url, child: server.child }
}

async function countRows(options: Parameters<typeof openStore>[0]): Promise<number> {
  const store = await openStore(options)
  try {
    return await store.project('default').inferences.count()
  } finally {
    await store.close()
  }
}

/** User and system time of a process with its threads, in milliseconds (Linux, 100 ticks a second). */
function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function startRole(name: string, ...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(import.meta.filename, [name, ...args])
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { child, url }
}

async function runBlock(load: ChildProcess, block: Block): Promise<Times> {
  load.send(block)
  const [times] = (await once(load, 'message')) as [Times]
  return times
}

function listen(server: ReturnType<typeof createServer>): void {
  server.listen(0, '127.0.0.1', () => {
    process.send!({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  })
}

function serveUpstream(): void {
  let count = 0
  const usage = { prompt_tokens: 90, completion_tokens: 90, total_tokens: 180 }
  listen(
    createServer(async (request, response) => {
      const began = performance.now()
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { stream, model } = JSON.parse(Buffer.concat(chunks).toString()) as {
        stream: boolean
        model: string
      }
      const head = { id: `chatcmpl-bench-${process.pid}-${count++}`, created: 1, model }
      const until = (time: number) => sleep(Math.max(0, time - (performance.now() - began)))
      if (!stream) {
        await until(ANSWER_TIME)
        const message = { role: 'assistant', content: ANSWER }
        const choices = [{ index: 0, message, finish_reason: 'stop' }]
        response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'r1' })
        response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }))
        return
      }
      const send = (delta: object, finish_reason: string | null = null) =>
        response.write(
          `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`,
        )
      const size = Math.ceil(ANSWER.length / PIECES)
      for (let piece = 0; piece < PIECES; piece++) {
        await until(((piece + 1) * ANSWER_TIME) / PIECES)
        if (piece === 0) response.writeHead(200, { 'content-type': 'text/event-stream' })
        send({
          ...(piece === 0 ? { role: 'assistant' } : {}),
          content: ANSWER.slice(piece * size, (piece + 1) * size),
        })
      }
      send({}, 'stop')
      response.end(`data: ${JSON.stringify({ ...head, choices: [], usage })}\n\ndata: [DONE]\n\n`)
    }),
  )
}

function serveBare(upstream: string): void {
  const pool = new Pool(upstream, { connections: 1_024 })
  listen(
    createServer(async (request, response) => {
      try {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk)
        const { statusCode, headers, body } = await pool.request({
          path: request.url!,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: Buffer.concat(chunks),
        })
        const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...rest } = headers
        response.writeHead(statusCode, rest as Record<string, string>)
        body.pipe(response)
      } catch (error) {
        response.writeHead(502).end(String(error))
      }
    }),
  )
}

function serveLoad(): void {
  const pools = new Map<string, Pool>()
  process.on('message', async ({ url, rate, seconds, stream, seed }: Block) => {
    const pool = pools.get(url) ?? new Pool(url, { connections: 256 })
    pools.set(url, pool)
    const random = new Random(seed, 'bench/gateway')
    const times: Times = { first: [], whole: [], failures: [], asked: 0 }
    const body = JSON.stringify({
      ...{ model: 'gpt', temperature: 0.5, stream },
      messages: [
        { role: 'system', content: 'You are the desk of a bank. Be brief and kind.' },
        { role: 'user', content: PROMPT },
      ],
      ...(stream ? { stream_options: { include_usage: true } } : {}),
    })
    const ask = async (counts: boolean) => {
      const sent = performance.now()
      try {
        const response = await pool.request({
          path: '/v1/chat/completions',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        let first: number | null = null
        let tail = ''
        for await (const chunk of response.body as AsyncIterable<Buffer>) {
          first ??= performance.now() - sent
          tail = chunk.toString('latin1')
        }
        const whole = performance.now() - sent
        if (response.statusCode !== 200 || (stream && !tail.includes('[DONE]')))
          throw new Error(`${response.statusCode} ${tail.slice(0, 200)}`)
        if (!counts) return
        times.first.push(first!)
        times.whole.push(whole)
      } catch (error) {
        times.failures.push(String(error))
      }
    }
    const began = performance.now()
    const asked: Promise<void>[] = []
    for (
      let next = 0;
      next < seconds * 1_000 + WARM_UP;
      next += (-Math.log(1 - random.uniform()) / rate) * 1_000
    ) {
      const wait = began + next - performance.now()
      if (wait > 0) await sleep(wait)
      asked.push(ask(next > WARM_UP))
    }
    await Promise.all(asked)
    times.asked = asked.length
    process.send!(times)
  })
  process.once('disconnect', () => process.exit())
}

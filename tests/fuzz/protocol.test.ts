// The processes of the engine get lines that no host would send, and files that are damaged: they say so and go on, or end.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JOB_FILES, openBase, PROTOCOL_VERSION, runTrainer, type TrainingJob } from '@regraft/engine'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { InferenceReply } from '../../packages/engine/src/protocol/inference-messages.ts'
import { readJsonLines } from '../../packages/engine/src/protocol/lines.ts'
import { picoRecipe } from '../../packages/engine/src/training/pico-recipe.ts'
import { examples, mutated } from './mutations.ts'

const INFERENCE = join(import.meta.dirname, '../../packages/engine/src/protocol/inference-process.ts')
const folder = mkdtempSync(join(tmpdir(), 'regraft-fuzz-protocol-'))
const base = join(folder, 'base')

beforeAll(() => writePicoBase(base))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('an inference process answers every good request between any others, and ends with its input', async () => {
  const child = spawn(process.execPath, [INFERENCE], { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const waiting = new Map<number, (reply: InferenceReply) => void>()
  const onMessage = (message: object) => {
    const reply = message as InferenceReply
    if (reply.event === 'result' || reply.event === 'error') waiting.get(reply.id)?.(reply)
  }
  const strays: string[] = []
  readJsonLines(child.stdout, { onMessage, onMalformed: (line) => strays.push(line) })
  let id = 1_000_000
  const ask = (request: object) => {
    const own = id++
    const reply = new Promise<InferenceReply>((resolve) => waiting.set(own, resolve))
    child.stdin.write(`${JSON.stringify({ id: own, ...request })}\n`)
    return reply
  }
  expect(await ask({ method: 'open', path: base, digests: null, threads: 1 })).toMatchObject({
    event: 'result',
  })

  const conversations = [[{ role: 'user', content: 'where is\u2028the card' }]]
  const good = { method: 'generate', adapter: null, conversations, maxTokens: 2, stream: false }
  const noise = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', '')),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc
      .record(
        {
          id: fc.oneof(fc.nat(99), fc.jsonValue()),
          method: fc.constantFrom('generate', 'score', 'loadAdapter', 'unloadAdapter', 'cancel', 'fly'),
          adapter: fc.oneof(fc.constant(null), fc.string()),
          conversations: fc.jsonValue(),
          items: fc.jsonValue(),
          path: fc.string(),
          name: fc.string(),
          maxTokens: fc.oneof(fc.integer({ max: 5 }), fc.constant('many')),
          target: fc.nat(),
        },
        { requiredKeys: ['method'] },
      )
      .map((request) => JSON.stringify(request)),
  )
  const first = await ask(good)
  const property = fc.asyncProperty(fc.array(noise, { maxLength: 5 }), async (lines) => {
    for (const line of lines) child.stdin.write(`${line}\n`)
    expect((await ask(good)) as object).toMatchObject({ ...first, id: id - 1 })
  })
  await fc.assert(property, examples(1_000))
  expect(first).toMatchObject({ event: 'result' })
  expect(strays).toEqual([])
  child.stdin.end()
  expect(await ended).toBe(0)
})

const messages = [{ role: 'user', content: 'where is the card '.repeat(8) }]
const kto = { name: 'kto', beta: 0.1, desirableWeight: 1, undesirableWeight: 1 } as const

test.each([
  [
    'rows',
    { name: 'sft' } as const,
    { [JOB_FILES.train]: ['there', 'the error'].map((completion) => ({ messages, completion })) },
  ],
  [
    'references',
    kto,
    {
      [JOB_FILES.reference]: [-3, -7.5].map((completion) => ({ completion, mismatched: -12.25 })),
      [JOB_FILES.train]: ['there', 'no'].map((completion, i) => ({ messages, completion, label: i === 0 })),
    },
  ],
])(
  'a trainer refuses damaged %s with an error event, or trains on what they still say',
  async (what, loss, files) => {
    const job = join(folder, what)
    mkdirSync(job)
    const opened = openBase(base)
    const content: TrainingJob = {
      protocol: PROTOCOL_VERSION,
      kind: 'lora',
      base: { name: 'pico', path: base, digests: opened.digests },
      recipe: picoRecipe({
        loss,
        lora: { rank: 2, targetModules: ['q_proj'] },
        epochs: 1,
        maxLength: 128,
      }),
      identity: 'fuzz',
      checkpointSeconds: 60,
    }
    opened.close()
    writeFileSync(join(job, JOB_FILES.job), JSON.stringify(content))
    const [damaged, ...whole] = Object.entries(files as Record<string, object[]>).map(([name, rows]) => {
      return {
        path: join(job, name),
        bytes: Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join('')),
      }
    })
    for (const { path, bytes } of whole) writeFileSync(path, bytes)
    const ends = { refused: 0, trained: 0 }
    const property = fc.asyncProperty(mutated(damaged!.bytes, 1), async (bytes) => {
      writeFileSync(damaged!.path, bytes)
      const events: string[] = []
      const onEvent = ({ event }: { event: string }) => events.push(event)
      try {
        const { summary } = await runTrainer(job, { onEvent })
        expect(Number.isFinite(summary.losses[0])).toBe(true)
        expect(events.at(-1)).toBe('finished')
        ends.trained++
      } catch (error) {
        expect(error).toMatchObject({ name: 'EngineError', message: expect.stringMatching(/.{10}/) })
        expect(events.at(-1)).toBe('error')
        ends.refused++
      }
    })
    await fc.assert(property, examples(24))
    expect(ends.refused).toBeGreaterThan(0)
    expect(ends.trained).toBeGreaterThan(0)
  },
)

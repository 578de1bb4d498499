import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initialAdapter } from '../decoder/lora.ts'
import { writeAdapter } from '../formats/peft.ts'
import { PICO_CONFIG, writePicoBase } from '../formats/pico-base.ts'
import type { ChatMessage } from '../formats/types.ts'
import { InferenceProcess } from './start-inference.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-inference-'))
const path = join(folder, 'base')
const adapterPath = join(folder, 'adapter')
const running: InferenceProcess[] = []

async function start(options: Partial<Parameters<typeof InferenceProcess.start>[0]> = {}) {
  const started = await InferenceProcess.start({ path, threads: 1, ...options })
  running.push(started)
  return started
}

let engine: InferenceProcess
beforeAll(async () => {
  writePicoBase(path)
  const lora = {
    rank: 2,
    alpha: 8,
    useRslora: false,
    targetModules: ['q_proj', 'down_proj'],
    rankPattern: {},
    alphaPattern: {},
    baseModelNameOrPath: '',
  }
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const adapter = initialAdapter(PICO_CONFIG, lora, next)
  for (const { b } of adapter.modules.values()) b.set(b.map(() => next() - 0.5))
  writeAdapter(adapterPath, adapter)
  engine = await start()
})
afterAll(async () => {
  for (const process of running) await process.close()
  rmSync(folder, { recursive: true })
})

const ask = (text: string): ChatMessage[] => [{ role: 'user', content: text }]
const LONG = { adapter: null, conversations: [ask('tell')], maxTokens: 100 }

test('requests run at the same time and are answered as they are alone', async () => {
  const questions = ['where is the card', 'is', 'the error that the card is']
  const call = (text: string) => engine.generate({ adapter: null, conversations: [ask(text)], maxTokens: 20 })
  const together = await Promise.all(questions.map(call))
  for (const [i, question] of questions.entries()) {
    expect((await call(question))[0]!.tokens).toEqual(together[i]![0]!.tokens)
  }
  const order: string[] = []
  const long = engine.generate(LONG).then(() => order.push('long'))
  const short = engine.generate({ ...LONG, maxTokens: 1 }).then(() => order.push('short'))
  await Promise.all([long, short])
  expect(order).toEqual(['short', 'long'])
})

test('an answer comes with log-probabilities, alternatives and how it ended', async () => {
  const [answer] = await engine.generate({ ...LONG, maxTokens: 5, topLogProbabilities: 3 })
  expect(answer).toMatchObject({ finishReason: 'length', reusedTokens: 0 })
  expect(answer!.logProbabilities).toHaveLength(5)
  for (const [i, alternatives] of answer!.topLogProbabilities.entries()) {
    expect(alternatives).toHaveLength(3)
    expect(alternatives[0]).toMatchObject({
      token: answer!.tokens[i],
      logProbability: answer!.logProbabilities[i],
    })
    expect(alternatives[0]!.logProbability).toBeGreaterThanOrEqual(alternatives[1]!.logProbability)
  }
  await expect(engine.generate({ ...LONG, topLogProbabilities: 21 })).rejects.toMatchObject({
    code: 'invalid-input',
  })
})

test('a stop string cuts the answer, and the stream never shows a part of it', async () => {
  const [free] = await engine.generate({ ...LONG, maxTokens: 30 })
  const at = Math.floor(free!.text.length / 2)
  const stop = free!.text.slice(at, at + 3)
  const expected = free!.text.slice(0, free!.text.indexOf(stop))
  let shown = ''
  const onText = (_row: number, text: string) => {
    shown += text
    expect(expected.startsWith(shown)).toBe(true)
  }
  const [stopped] = await engine.stream({ ...LONG, maxTokens: 30, stop: ['never', stop] }, onText)
  expect(stopped).toMatchObject({ text: expected, finishReason: 'stop' })
  expect(shown).toBe(expected)
  expect(stopped!.tokens.length).toBeLessThan(30)
})

test('adapters come and go while others are answered', async () => {
  const call = { ...LONG, maxTokens: 60 }
  const [before] = await engine.generate(call)
  const during = engine.generate(call)
  await engine.loadAdapter('a', adapterPath)
  const adapted = engine.generate({ ...call, adapter: 'a' })
  await engine.stats()
  await engine.unloadAdapter('a')
  await expect(engine.generate({ ...call, adapter: 'a' })).rejects.toMatchObject({ code: 'not-found' })
  expect((await during)[0]!.text).toBe(before!.text)
  expect((await adapted)[0]!.text).not.toBe(before!.text)
  await engine.loadAdapter('a', adapterPath)
  const [again] = await engine.generate({ ...call, adapter: 'a' })
  expect(again!.tokens).toEqual((await adapted)[0]!.tokens)
  // A single letter is one token, however it is cut.
  const [listed] = await engine.generate({ ...call, adapter: 'a', maxTokens: 1, topLogProbabilities: 20 })
  const letter = listed!.topLogProbabilities[0]!.find(({ text }) => /^[a-z]$/.test(text))!
  const items = [{ messages: ask('tell'), completion: letter.text }]
  const [[adaptedScores], [baseScores]] = await Promise.all([
    engine.score({ adapter: 'a', items }),
    engine.score({ adapter: null, items }),
  ])
  expect(adaptedScores![0]).toBeCloseTo(letter.logProbability, 4)
  expect(baseScores![0]).not.toBeCloseTo(letter.logProbability, 2)
})

test('a cancelled request gives its row back', async () => {
  const cancellation = new AbortController()
  const onText = () => cancellation.abort()
  await expect(engine.stream(LONG, onText, cancellation.signal)).rejects.toMatchObject({ code: 'cancelled' })
  expect(await engine.stats()).toMatchObject({ running: 0, waiting: 0 })
})

test('stats count the rows that run and that wait', async () => {
  const small = await start({ maxRows: 2 })
  const calls = Array.from({ length: 6 }, () => small.generate(LONG))
  const seen: { running: number; waiting: number }[] = []
  while (!seen.some(({ running, waiting }) => running === 2 && waiting > 0)) seen.push(await small.stats())
  expect(Math.max(...seen.map(({ running }) => running))).toBe(2)
  await Promise.all(calls)
  expect((await small.stats()).tokensPerSecond).toBeGreaterThan(0)
})

test.each(['int8', 'int4'] as const)('a base of floats is decoded in %s on request', async (precision) => {
  const rounded = await start({ weightPrecision: precision })
  expect(engine.info.weightPrecision).toBe('f32')
  expect(rounded.info.weightPrecision).toBe(precision)
  const call = { ...LONG, maxTokens: 1 }
  const [[exact], [answer]] = await Promise.all([engine.generate(call), rounded.generate(call)])
  const difference = Math.abs(answer!.logProbabilities[0]! - exact!.logProbabilities[0]!)
  expect(difference).toBeGreaterThan(0)
  expect(difference).toBeLessThan(precision === 'int8' ? 0.05 : 1)
})

test.each(['a batch', 'the loading of an adapter'])(
  'kill -9 during %s fails every call by name',
  async (when) => {
    const killed = await start()
    const calls: Promise<unknown>[] = [killed.generate(LONG), killed.generate(LONG)]
    if (when !== 'a batch') calls.push(killed.loadAdapter('a', adapterPath))
    process.kill(killed.pid!, 'SIGKILL')
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ code: 'engine-failed', message: /SIGKILL/ })
    }
    expect(killed.alive).toBe(false)
    await expect(killed.generate(LONG)).rejects.toMatchObject({ code: 'engine-failed' })
    expect((await (await start()).generate(LONG))[0]!.tokens.length).toBeGreaterThan(0)
  },
)

describe('text of unknown origin', () => {
  /** A base whose template or tokenizer is poisoned when the conversation says so. */
  function poisoned(
    name: string,
    change: (files: { template: string; tokenizer: Record<string, unknown> }) => object,
  ) {
    const at = join(folder, name)
    mkdirSync(at)
    writePicoBase(at)
    const config = JSON.parse(readFileSync(join(at, 'tokenizer_config.json'), 'utf8'))
    const tokenizer = JSON.parse(readFileSync(join(at, 'tokenizer.json'), 'utf8'))
    const changed = {
      template: config.chat_template,
      tokenizer,
      ...change({ template: config.chat_template, tokenizer }),
    }
    writeFileSync(join(at, 'tokenizer.json'), JSON.stringify(changed.tokenizer))
    writeFileSync(
      join(at, 'tokenizer_config.json'),
      JSON.stringify({ ...config, chat_template: changed.template }),
    )
    return at
  }
  const when = (poison: string) => (template: string) =>
    `{% if messages[0]['content'] == 'poison' %}${poison}{% endif %}${template}`
  const loop = when(
    '{% for a in range(100000) %}{% for b in range(100000) %}{% set c = a + b %}{% endfor %}{% endfor %}',
  )
  const flood = when(
    "{% set ns = namespace(x='0123456789') %}{% for a in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
  )
  const backtracking = {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: '(p|o|i|s|n|po|is|on)+!' }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  }

  test.each<[string, (files: { template: string; tokenizer: Record<string, unknown> }) => object, string]>([
    ['an endless template', ({ template }) => ({ template: loop(template) }), 'poison'],
    ['a template that floods', ({ template }) => ({ template: flood(template) }), 'poison'],
    [
      'a tokenizer that backtracks',
      ({ tokenizer }) => ({ tokenizer: { ...tokenizer, pre_tokenizer: backtracking } }),
      'poison'.repeat(40),
    ],
  ])('%s fails its own request only', async (name, change, poison) => {
    const base = poisoned(name.replaceAll(' ', '-'), change)
    const victim = await start({ path: base, textTimeLimitMs: 400 })
    const long = victim.generate(LONG)
    const bad = victim.generate({ ...LONG, conversations: [ask('fine'), ask(poison)] })
    const good = victim.generate({ ...LONG, conversations: [ask('after')] })
    await expect(bad).rejects.toMatchObject({ code: 'incompatible', message: /template/ })
    expect((await long)[0]!.tokens.length).toBeGreaterThan(0)
    expect((await good)[0]!.tokens.length).toBeGreaterThan(0)
    const [again] = await victim.generate({ ...LONG, maxTokens: 2 })
    expect(again!.tokens).toHaveLength(2)
  })
})

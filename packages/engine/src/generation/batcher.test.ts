// The decoding graph and its continuous batch against the layer-by-layer decoder in 32-bit floats, on tiny models of every
// supported family (bench/golden/families, by scripts/parity/families.py).
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Random } from '@regraft/methods'
import { afterAll, describe, expect, test } from 'vitest'
import { layOut } from '../decoder/batch.ts'
import { createDecoder } from '../decoder/decoder.ts'
import { linearShapes } from '../decoder/layer.ts'
import { initialAdapter } from '../decoder/lora.ts'
import { readWeights } from '../decoder/weights.ts'
import { type Adapter, type Base, openBase } from '../formats/index.ts'
import { largestRanks, loadedAdapter } from './adapter-slots.ts'
import { Batcher, type Generated, type RowRequest } from './batcher.ts'
import { DecodeModel } from './decode-model.ts'
import { score } from './score.ts'

const root = fileURLToPath(new URL('../../../../bench/golden/families/', import.meta.url))
const families = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const OPTIONS = { maxRows: 4, cacheBytes: 2 ** 30, reusePrefixes: true }
const random = new Random(5)

const open: (() => void | Promise<void>)[] = []
afterAll(async () => {
  for (const close of open) await close()
})

async function openModel(family: string, options: Partial<typeof OPTIONS> = {}) {
  const base = openBase(join(root, family))
  const model = await DecodeModel.open({ base, precision: 'f32', threads: 1, slots: 6 })
  open.push(() => model.release(), base.close)
  return { base, model, batcher: new Batcher(model, { ...OPTIONS, ...options }) }
}

function randomPrompt(base: Base, length: number): number[] {
  return Array.from({ length }, () => random.integer(base.config.vocabSize))
}

const request = (prompt: readonly number[], rest: Partial<RowRequest> = {}): RowRequest => {
  return { prompt, adapter: null, maxTokens: 8, stopTokens: [], ...rest }
}

/** An adapter that changes what the base says: no tensor of it is zero. */
function randomAdapter(base: Base, rank: number, targetModules: string[]): Adapter {
  const lora = {
    rank,
    alpha: 2 * rank,
    useRslora: false,
    targetModules,
    rankPattern: {},
    alphaPattern: {},
    baseModelNameOrPath: '',
  }
  const adapter = initialAdapter(base.config, lora, () => random.uniform())
  for (const { b } of adapter.modules.values()) {
    for (let i = 0; i < b.length; i++) b[i] = random.normal() * 0.3
  }
  return adapter
}

/** Checks answers against the layer-by-layer decoder: each token is its most probable one, at the same probability. */
async function expectReference(
  base: Base,
  rows: readonly { prompt: readonly number[]; answer: Generated; adapter?: Adapter | null }[],
): Promise<void> {
  const weights = readWeights(base)
  for (const { prompt, answer, adapter = null } of rows) {
    const decoder = createDecoder({ config: base.config, weights, adapter, threads: 1 })
    const ids = [...prompt, ...answer.tokens]
    const [scores] = await score(decoder, [{ ids, supervisedFrom: prompt.length }])
    for (const [i, value] of answer.logProbabilities.entries()) expect(value).toBeCloseTo(scores![i]!, 4)
    const hidden = await decoder.stack.forward(layOut([{ ids, supervisedFrom: 1 }]))
    const at = Int32Array.from(answer.tokens, (_, i) => prompt.length - 1 + i)
    const logits = await decoder.head.logits(hidden, at)
    const { vocabSize } = base.config
    for (const [i, token] of answer.tokens.entries()) {
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize)
      expect(row[token]!).toBeCloseTo(Math.max(...row), 4)
    }
    await decoder.release()
  }
}

describe.each(families)('%s', (family) => {
  test('rows of different lengths in one batch equal the layer-by-layer decoder', async () => {
    const { base, batcher } = await openModel(family)
    // Longer than any sliding window of these models; one is longer than what is read between two steps.
    const longest = Math.min(150, base.config.maxPositionEmbeddings - 10)
    const prompts = [3, 40, 1, longest, 17, 9].map((length) => randomPrompt(base, length))
    const answers = await Promise.all(prompts.map((prompt) => batcher.submit(request(prompt))))
    await expectReference(
      base,
      prompts.map((prompt, i) => ({ prompt, answer: answers[i]! })),
    )
  })

  test('each row has its own adapter or none', async () => {
    const { base, model, batcher } = await openModel(family)
    const all = Object.keys(linearShapes(base.config))
    const adapters = [randomAdapter(base, 4, all), randomAdapter(base, 9, ['q_proj', 'down_proj'])]
    const loaded = adapters.map((adapter, i) => loadedAdapter(base.config, `${i}`, adapter))
    await model.allowRanks(largestRanks(loaded))
    const rows = [0, null, 1, 0, 1, null].map((adapter, i) => {
      return { prompt: randomPrompt(base, 4 + 7 * i), which: adapter }
    })
    const answers = await Promise.all(
      rows.map(({ prompt, which }) =>
        batcher.submit(request(prompt, { adapter: which === null ? null : loaded[which]! })),
      ),
    )
    await expectReference(
      base,
      rows.map(({ prompt, which }, i) => {
        return { prompt, answer: answers[i]!, adapter: which === null ? null : adapters[which]! }
      }),
    )
  })
})

test('a prompt that begins like another one reuses its keys and values, running or finished', async () => {
  const { base, batcher } = await openModel('gemma3')
  const shared = randomPrompt(base, 40)
  const first = [...shared, 5, 6]
  const started = batcher.submit(request(first, { maxTokens: 20 }))
  const second = [...shared, 7, 8, 9]
  const [, during] = await Promise.all([started, batcher.submit(request(second))])
  const others = Array.from({ length: 3 }, () => randomPrompt(base, 12))
  await Promise.all(others.map((prompt) => batcher.submit(request(prompt))))
  const third = [...shared, 10]
  const after = await batcher.submit(request(third))
  const again = await batcher.submit(request(third))
  expect([during.reusedTokens, after.reusedTokens, again.reusedTokens]).toEqual([40, 40, 40])
  expect((await batcher.submit(request(shared.slice(0, 20)))).reusedTokens).toBe(0)
  await expectReference(base, [
    { prompt: second, answer: during },
    { prompt: third, answer: after },
    { prompt: third, answer: again },
  ])
})

test('another adapter computes its own keys and values', async () => {
  const { base, model, batcher } = await openModel('qwen3')
  const prompt = randomPrompt(base, 40)
  const adapter = randomAdapter(base, 4, ['k_proj'])
  const loaded = loadedAdapter(base.config, 'a', adapter)
  await model.allowRanks(largestRanks([loaded]))
  await batcher.submit(request(prompt))
  const answer = await batcher.submit(request(prompt, { adapter: loaded }))
  expect(answer.reusedTokens).toBe(0)
  await expectReference(base, [{ prompt, answer, adapter }])
})

test('rows that leave and join in the middle do not disturb the others', async () => {
  const { base, batcher } = await openModel('smollm3')
  const prompts = Array.from({ length: 14 }, (_, i) => randomPrompt(base, 2 + ((i * 11) % 37)))
  const cancelled = new AbortController()
  const answers = await Promise.all(
    prompts.map((prompt, i) => {
      const maxTokens = 1 + ((i * 5) % 13)
      const count = { tokens: 0 }
      const onToken = () => {
        if (i === 3 && ++count.tokens === 2) cancelled.abort()
        return false
      }
      const signal = i === 3 ? { signal: cancelled.signal } : {}
      return batcher
        .submit(request(prompt, { maxTokens: i === 3 ? 50 : maxTokens, onToken, ...signal }))
        .catch((error: { code: string }) => error.code)
    }),
  )
  expect(answers[3]).toBe('cancelled')
  const rows = prompts.flatMap((prompt, i) => {
    const answer = answers[i]!
    return typeof answer === 'string' ? [] : [{ prompt, answer }]
  })
  expect(rows.map(({ answer }) => answer.tokens.length)).toEqual(
    [...prompts.keys()].filter((i) => i !== 3).map((i) => 1 + ((i * 5) % 13)),
  )
  await expectReference(base, rows)
  expect(batcher.stats()).toMatchObject({ running: 0, waiting: 0 })
})

test('a stop token ends its row and is not part of the answer', async () => {
  const { base, batcher } = await openModel('llama3-scaled')
  const prompt = randomPrompt(base, 9)
  const free = await batcher.submit(request(prompt))
  const stop = free.tokens[3]!
  const stopped = await batcher.submit(request(prompt, { stopTokens: [stop] }))
  expect(stopped.finishReason).toBe('stop')
  expect(stopped.tokens).toEqual(free.tokens.slice(0, free.tokens.indexOf(stop)))
})

test('a seed draws the same tokens alone and among others', async () => {
  const { base, batcher } = await openModel('mistral-window')
  const prompt = randomPrompt(base, 12)
  const draw = (seed: number) => {
    const sampling = { temperature: 1, topP: 0.95 }
    return batcher.submit(request(prompt, { maxTokens: 12, sampling, random: new Random(seed, 'row/0') }))
  }
  const alone = await draw(1)
  const [among, other] = await Promise.all([
    draw(1),
    draw(2),
    batcher.submit(request(randomPrompt(base, 30))),
  ])
  expect(among.tokens).toEqual(alone.tokens)
  expect(other.tokens).not.toEqual(alone.tokens)
})

test('a small budget for keys and values runs rows one after another', async () => {
  const { base, batcher } = await openModel('qwen3', { cacheBytes: 1 })
  const prompts = [12, 5, 21].map((length) => randomPrompt(base, length))
  const running: number[] = []
  const onToken = () => {
    running.push(batcher.stats().running)
    return false
  }
  const answers = await Promise.all(prompts.map((prompt) => batcher.submit(request(prompt, { onToken }))))
  expect(Math.max(...running)).toBe(1)
  await expectReference(
    base,
    prompts.map((prompt, i) => ({ prompt, answer: answers[i]! })),
  )
})

test('a prompt that fills the context is refused', async () => {
  const { base, batcher } = await openModel('qwen3')
  const full = randomPrompt(base, base.config.maxPositionEmbeddings)
  await expect(batcher.submit(request(full))).rejects.toThrow(/fills the context/)
  await expect(batcher.submit(request([]))).rejects.toThrow(/no tokens/)
})

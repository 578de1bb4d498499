import { Random } from '@regraft/methods'
import { afterAll, expect, test } from 'vitest'
import { layOut } from '../decoder/batch.ts'
import { createDecoder } from '../decoder/decoder.ts'
import { initialWeights } from '../decoder/weights.ts'
import { plainLlama } from '../formats/decoder-config.ts'
import { generate, score } from './generate.ts'

const config = plainLlama({
  hiddenSize: 32,
  intermediateSize: 48,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 8,
  vocabSize: 60,
  maxPositionEmbeddings: 64,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  tieWordEmbeddings: true,
  bosTokenId: null,
  eosTokenIds: [0],
})
const random = new Random(3)
const weights = initialWeights(config, () => random.normal() * 15)
const decoder = createDecoder({ config, weights, threads: 1 })
afterAll(() => decoder.release())
const prompts = [7, 3, 18].map((count) => Array.from({ length: count }, () => random.integer(60)))

test('decoding with a cache gives the tokens that recomputing the whole prefix gives', async () => {
  const results = await generate(decoder, prompts, { maxTokens: 12, stopTokens: [] })
  for (const [row, result] of results.entries()) {
    const ids = [...prompts[row]!]
    for (const [i, token] of result.tokens.entries()) {
      const batch = layOut([{ ids, supervisedFrom: 1 }])
      const logits = await decoder.head.logits(
        await decoder.stack.forward(batch),
        Int32Array.of(ids.length - 1),
      )
      expect(token).toBe(logits.indexOf(Math.max(...logits)))
      const [scores] = await score(decoder, [{ ids: [...ids, token], supervisedFrom: ids.length }])
      expect(result.logProbabilities[i]).toBeCloseTo(scores![0]!, 3)
      ids.push(token)
    }
  }
})

test('a stop token ends its row and is not part of the answer', async () => {
  const free = await generate(decoder, prompts, { maxTokens: 8, stopTokens: [] })
  const stop = free[1]!.tokens[3]!
  const [, stopped] = await generate(decoder, prompts, { maxTokens: 8, stopTokens: [stop] })
  expect(stopped!.finishReason).toBe('stop')
  expect(stopped!.tokens).toEqual(free[1]!.tokens.slice(0, free[1]!.tokens.indexOf(stop)))
})

test('sampling repeats with its seed and varies with another', async () => {
  const sampling = { temperature: 1, topP: 0.95 }
  const sample = async (seed: number) =>
    (await generate(decoder, prompts, { maxTokens: 10, stopTokens: [], sampling, seed })).map(
      ({ tokens }) => tokens,
    )
  expect(await sample(1)).toEqual(await sample(1))
  expect(await sample(1)).not.toEqual(await sample(2))
})

test('a prompt that fills the context is refused', async () => {
  const full = Array.from({ length: 64 }, () => 1)
  await expect(generate(decoder, [full], { maxTokens: 4, stopTokens: [] })).rejects.toThrow(
    /fills the context/,
  )
})

import { Random } from '@regraft/methods'
import { LENGTH_STEP, layOut, MASKED, type Sequence } from '../decoder/batch.ts'
import type { Decoder } from '../decoder/decoder.ts'
import type { LayerCache } from '../decoder/stack.ts'
import { EngineError } from '../errors.ts'
import { emptyTensor, floats, tensorOver } from '../graph/session.ts'
import { type Choice, chooseToken, GREEDY, type Sampling } from './sample.ts'

export interface GenerateOptions {
  maxTokens: number
  /** Generation ends after any of these, which is not part of the answer. */
  stopTokens: readonly number[]
  sampling?: Sampling
  seed?: number
  onToken?: (row: number, choice: Choice) => void
  signal?: AbortSignal
}

export interface Generated {
  tokens: number[]
  /** One per token, natural logarithm. */
  logProbabilities: number[]
  finishReason: 'stop' | 'length'
}

/**
 * Continues several prompts in one batch. Keys and values are cached in JavaScript; each step computes one token per
 * unfinished row. Throws `invalid-input` for an empty prompt or one that leaves no room in the context.
 */
export async function generate(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<Generated[]> {
  const { maxTokens, stopTokens, sampling = GREEDY, seed = 0, onToken, signal } = options
  const limit = decoder.config.maxPositionEmbeddings
  for (const prompt of prompts) {
    if (prompt.length === 0) throw new EngineError('invalid-input', 'A prompt has no tokens')
    if (prompt.length >= limit) {
      throw new EngineError(
        'invalid-input',
        `A prompt of ${prompt.length} tokens fills the context of ${limit}`,
        {
          hint: 'Shorten the conversation',
        },
      )
    }
  }
  const results = prompts.map((): Generated => ({ tokens: [], logProbabilities: [], finishReason: 'length' }))
  const randoms = prompts.map((_, row) => new Random(seed, `row/${row}`))
  const done = prompts.map(() => false)
  const accept = (row: number, logits: Float32Array): number => {
    const choice = chooseToken(logits, sampling, randoms[row]!)
    const result = results[row]!
    if (stopTokens.includes(choice.token)) {
      result.finishReason = 'stop'
      done[row] = true
      return choice.token
    }
    result.tokens.push(choice.token)
    result.logProbabilities.push(choice.logProbability)
    onToken?.(row, choice)
    if (result.tokens.length >= maxTokens || prompts[row]!.length + result.tokens.length >= limit)
      done[row] = true
    return choice.token
  }

  const batch = layOut(prompts.map((ids) => ({ ids, supervisedFrom: ids.length })))
  const capacity = Math.ceil((batch.length + maxTokens) / LENGTH_STEP) * LENGTH_STEP
  const caches: LayerCache[] = []
  const hidden = await decoder.stack.forward(batch, (layer, cache) => {
    caches[layer] = { keys: widen(cache.keys, capacity), values: widen(cache.values, capacity) }
  })
  const lastRows = Int32Array.from(prompts, (prompt, row) => row * batch.length + prompt.length - 1)
  const { vocabSize } = decoder.config
  const rowOf = (logits: Float32Array, row: number) => logits.subarray(row * vocabSize, (row + 1) * vocabSize)
  const first = await decoder.head.logits(hidden, lastRows)
  const ids = Int32Array.from(prompts, (_, row) => accept(row, rowOf(first, row)))
  const positions = prompts.map((prompt) => prompt.length)
  const mask = tensorOver(new Float32Array(prompts.length * capacity).fill(MASKED), [
    prompts.length,
    1,
    1,
    capacity,
  ])
  for (const [row, position] of positions.entries()) {
    floats(mask).fill(0, row * capacity, row * capacity + position)
  }
  const everyRow = Int32Array.from(prompts.keys())
  while (!done.every(Boolean)) {
    if (signal?.aborted) throw new EngineError('cancelled', 'The generation was cancelled')
    const logits = await decoder.head.logits(await decoder.stack.step(ids, positions, caches, mask), everyRow)
    for (const [row, position] of positions.entries()) {
      if (done[row]) continue
      floats(mask)[row * capacity + position] = 0
      positions[row] = position + 1
      ids[row] = accept(row, rowOf(logits, row))
    }
  }
  return results
}

/** Natural-log probability of each supervised token of each sequence, in order. */
export async function score(decoder: Decoder, sequences: readonly Sequence[]): Promise<number[][]> {
  const batch = layOut(sequences)
  const scores = await decoder.head.logProbabilities(
    await decoder.stack.forward(batch),
    batch.rows,
    batch.targets,
  )
  const bySequence = sequences.map((): number[] => [])
  for (const [i, sequence] of batch.sequences.entries()) bySequence[sequence]!.push(scores[i]!)
  return bySequence
}

/** The same keys or values [B, KV, T, hd] in a tensor with room for `capacity` positions. */
function widen(tensor: LayerCache['keys'], capacity: number): LayerCache['keys'] {
  const [batch, heads, length, width] = tensor.dims as [number, number, number, number]
  const wide = emptyTensor([batch, heads, capacity, width])
  for (let i = 0; i < batch * heads; i++) {
    floats(wide).set(
      floats(tensor).subarray(i * length * width, (i + 1) * length * width),
      i * capacity * width,
    )
  }
  return wide
}

import { createDecoder, type Decoder } from '../decoder/decoder.ts'
import { type DecoderWeights, readWeights } from '../decoder/weights.ts'
import { EngineError } from '../errors.ts'
import { checkAdapterFits, readAdapter } from '../formats/peft.ts'
import type { Base, ChatMessage } from '../formats/types.ts'
import { StreamDecoder } from '../tokenizer/index.ts'
import { exampleSequence, promptTokens } from '../training/examples.ts'
import { generate, score } from './generate.ts'
import type { Sampling } from './sample.ts'

/** Rows that are decoded together. */
const BATCH_SIZE = 16

export interface GenerateRequest {
  /** Name of a loaded adapter; null for the base alone. */
  adapter: string | null
  conversations: ChatMessage[][]
  maxTokens: number
  sampling?: Sampling
  seed?: number
}

export interface Answer {
  text: string
  tokens: number[]
  /** One per token, natural logarithm. */
  logProbabilities: number[]
  finishReason: 'stop' | 'length'
  promptTokens: number
}

export interface ScoreRequest {
  adapter: string | null
  items: { messages: ChatMessage[]; completion: string }[]
}

export interface AnswerOptions {
  onText?: (row: number, text: string) => void
  onProgress?: (done: number, total: number) => void
  signal?: AbortSignal
}

/** A base with its loaded adapters, answering conversations. */
export class Answerer {
  #base: Base
  #weights: DecoderWeights
  #threads: number
  #decoders = new Map<string | null, Decoder>()

  constructor(base: Base, threads: number) {
    this.#base = base
    this.#weights = readWeights(base)
    this.#threads = threads
    this.#decoders.set(null, createDecoder({ config: base.config, weights: this.#weights, threads }))
  }

  /** Loads a PEFT folder under a name. Throws `incompatible` when its shapes do not fit the base. */
  loadAdapter(name: string, path: string): void {
    const adapter = readAdapter(path)
    checkAdapterFits(adapter, this.#base)
    const { config } = this.#base
    this.#decoders.set(
      name,
      createDecoder({ config, weights: this.#weights, adapter, threads: this.#threads }),
    )
  }

  async unloadAdapter(name: string): Promise<void> {
    const decoder = this.#decoders.get(name)
    this.#decoders.delete(name)
    await decoder?.release()
  }

  /** Answers every conversation; those of similar length share a batch, results keep their order. */
  async generate(request: GenerateRequest, options: AnswerOptions = {}): Promise<Answer[]> {
    const { onText, onProgress, signal } = options
    const decoder = this.#decoder(request.adapter)
    const prompts = request.conversations.map((messages) => promptTokens(this.#base, messages))
    const answers: Answer[] = []
    let done = 0
    for (const rows of batches(prompts.map((prompt) => prompt.length))) {
      const streams = rows.map(() => new StreamDecoder(this.#base.tokenizer))
      const results = await generate(
        decoder,
        rows.map((row) => prompts[row]!),
        {
          maxTokens: request.maxTokens,
          stopTokens: this.#base.config.eosTokenIds,
          ...(request.sampling ? { sampling: request.sampling } : {}),
          ...(request.seed === undefined ? {} : { seed: request.seed }),
          ...(signal ? { signal } : {}),
          onToken: (index, { token }) => {
            const text = streams[index]!.push(token)
            if (text !== '') onText?.(rows[index]!, text)
          },
        },
      )
      for (const [index, row] of rows.entries()) {
        const rest = streams[index]!.end()
        if (rest !== '') onText?.(row, rest)
        const text = this.#base.tokenizer.decode(results[index]!.tokens, { skipSpecialTokens: true })
        answers[row] = { ...results[index]!, text, promptTokens: prompts[row]!.length }
      }
      done += rows.length
      onProgress?.(done, prompts.length)
    }
    return answers
  }

  /** Natural-log probability of every token of each completion, the end of the turn included. */
  async score(request: ScoreRequest, options: AnswerOptions = {}): Promise<number[][]> {
    const decoder = this.#decoder(request.adapter)
    const sequences = request.items.map((item) => exampleSequence(this.#base, item))
    const scores: number[][] = []
    let done = 0
    for (const rows of batches(sequences.map(({ ids }) => ids.length))) {
      if (options.signal?.aborted) throw new EngineError('cancelled', 'The scoring was cancelled')
      const results = await score(
        decoder,
        rows.map((row) => sequences[row]!),
      )
      for (const [index, row] of rows.entries()) scores[row] = results[index]!
      done += rows.length
      options.onProgress?.(done, sequences.length)
    }
    return scores
  }

  async close(): Promise<void> {
    for (const decoder of this.#decoders.values()) await decoder.release()
    this.#decoders.clear()
  }

  #decoder(adapter: string | null): Decoder {
    const decoder = this.#decoders.get(adapter)
    if (!decoder) throw new EngineError('not-found', `No adapter ${adapter} is loaded`)
    return decoder
  }
}

/** Indices in batches of similar length, longest last. */
function batches(lengths: number[]): number[][] {
  const order = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b)
  const result: number[][] = []
  for (let start = 0; start < order.length; start += BATCH_SIZE)
    result.push(order.slice(start, start + BATCH_SIZE))
  return result
}

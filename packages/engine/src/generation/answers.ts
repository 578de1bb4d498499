import { Random } from '@regraft/methods'
import { createDecoder, type Decoder } from '../decoder/decoder.ts'
import type { WeightPrecision } from '../decoder/matrix.ts'
import { type DecoderWeights, readWeights } from '../decoder/weights.ts'
import { EngineError } from '../errors.ts'
import { checkAdapterFits, readAdapter } from '../formats/peft.ts'
import type { Adapter, Base, ChatMessage } from '../formats/types.ts'
import { StreamDecoder } from '../tokenizer/index.ts'
import { type LoadedAdapter, largestRanks, loadedAdapter } from './adapter-slots.ts'
import { Batcher, type BatchStats } from './batcher.ts'
import { DecodeModel } from './decode-model.ts'
import { type DecodePrecision, storedPrecision } from './decode-weights.ts'
import type { Sampling } from './sample.ts'
import { score } from './score.ts'
import { StopStrings } from './stop-strings.ts'
import { TextService } from './text-service.ts'

/** Sequences that are scored together. */
const SCORE_BATCH = 16
const GIGABYTE = 2 ** 30
export const MOST_ALTERNATIVES = 20

export interface GenerateRequest {
  /** Name of a loaded adapter; null for the base alone. */
  adapter: string | null
  conversations: ChatMessage[][]
  maxTokens: number
  /** Greedy unless given. */
  sampling?: Sampling
  /** Equal seeds draw equal tokens from equal probabilities, whatever else is in the batch; 0 unless given. */
  seed?: number
  /** Texts that end an answer, which is cut before them. */
  stop?: string[]
  /**
   * Alternatives per token that are reported with their log-probabilities, at most 20; streamed texts then come with
   * their tokens, also for 0.
   */
  topLogProbabilities?: number
}

export interface Answer {
  text: string
  /** All that was generated, what spells a stop string included, the token that ends a turn not. */
  tokens: number[]
  /** One per token, natural logarithm. */
  logProbabilities: number[]
  /** One list per token, most probable first; empty unless asked for. */
  topLogProbabilities: { token: number; text: string; logProbability: number }[][]
  finishReason: 'stop' | 'length'
  promptTokens: number
  /** Of the prompt's tokens those whose keys and values were copied from a request that began alike. */
  reusedTokens: number
}

export interface DescribedToken {
  token: number
  text: string
  /** Of its text in UTF-8: a token may hold a part of a character. */
  bytes: number[]
  /** Natural logarithm. */
  logProbability: number
}

/** A token of an answer as it is streamed, with its alternatives, most probable first. */
export interface StreamedToken extends DescribedToken {
  alternatives: DescribedToken[]
}

export interface ScoreRequest {
  adapter: string | null
  items: { messages: ChatMessage[]; completion: string }[]
}

export interface NextTokensRequest {
  adapter: string | null
  conversations: ChatMessage[][]
}

export interface AnswerOptions {
  /** Texts as they come, with the tokens that ended in them where the request reports tokens. */
  onText?: (row: number, text: string, tokens?: StreamedToken[]) => void
  onProgress?: (done: number, total: number) => void
  signal?: AbortSignal
}

export interface AnswererOptions {
  base: Base
  threads: number
  /** How matrices are kept for decoding; what the file has unless given. */
  precision?: DecodePrecision
  /** How matrices are kept for scoring, which computes in 32-bit floats; f32 unless given. */
  scoringPrecision?: WeightPrecision
  /** Rows that are decoded together; 16 unless given. */
  maxRows?: number
  /** Bytes for keys and values; 2 GiB unless given. */
  cacheBytes?: number
  /** Whether a prompt may begin with what others computed; true unless given. */
  reusePrefixes?: boolean
  /** For turning one conversation into tokens; 2000 unless given. */
  textTimeLimitMs?: number
}

interface Decoding {
  model: DecodeModel
  batcher: Batcher
}

/** A base with its loaded adapters, answering any number of requests at once. */
export class Answerer {
  readonly precision: DecodePrecision
  #options: AnswererOptions
  #base: Base
  #text: TextService
  #adapters = new Map<string, { loaded: LoadedAdapter; adapter: Adapter }>()
  #decoding: Promise<Decoding> | null = null
  #batcher: Batcher | null = null
  #weights: DecoderWeights | null = null
  #decoders = new Map<LoadedAdapter | null, Decoder>()

  constructor(options: AnswererOptions) {
    const { base, textTimeLimitMs = 2000 } = options
    this.precision = options.precision ?? storedPrecision(base)
    this.#options = options
    this.#base = base
    this.#text = new TextService({ basePath: base.path, timeLimitMs: textTimeLimitMs })
  }

  /**
   * Loads a PEFT folder under a name while others are answered. Requests that name an adapter loaded before go on with
   * that one. Throws `incompatible` when its shapes do not fit the base.
   */
  async loadAdapter(name: string, path: string): Promise<void> {
    const adapter = readAdapter(path)
    checkAdapterFits(adapter, this.#base)
    const loaded = loadedAdapter(this.#base.config, name, adapter)
    if (this.#decoding) {
      const { model, batcher } = await this.#decoding
      await batcher.exclusively(() => model.allowRanks(largestRanks([loaded])))
    }
    await this.unloadAdapter(name)
    this.#adapters.set(name, { loaded, adapter })
  }

  /** Takes a name away at once; requests that use the adapter end with it. */
  async unloadAdapter(name: string): Promise<void> {
    const known = this.#adapters.get(name)
    if (!known) return
    this.#adapters.delete(name)
    await this.#decoders.get(known.loaded)?.release()
    this.#decoders.delete(known.loaded)
    if (!this.#decoding) return
    const { model, batcher } = await this.#decoding
    if (!batcher.uses(known.loaded)) model.dropAdapter(known.loaded)
  }

  /** Answers every conversation; they share the batch with other requests, results keep their order. */
  async generate(request: GenerateRequest, options: AnswerOptions = {}): Promise<Answer[]> {
    const { onProgress, signal } = options
    const { topLogProbabilities = 0 } = request
    if (topLogProbabilities > MOST_ALTERNATIVES) {
      throw new EngineError(
        'invalid-input',
        `At most ${MOST_ALTERNATIVES} alternatives per token, not ${topLogProbabilities}`,
      )
    }
    const adapter = this.#adapter(request.adapter)
    this.#decoding ??= this.#open()
    const { batcher } = await this.#decoding
    const prompts = await this.#sequences(
      request.conversations.map((messages) => ({ kind: 'prompt', messages })),
    )
    // One that fails takes the others of its request with it.
    const failure = new AbortController()
    const signals = AbortSignal.any([failure.signal, ...(signal ? [signal] : [])])
    let done = 0
    try {
      return await Promise.all(
        prompts.map(async ({ ids }, row) => {
          const answer = await this.#answer(batcher, request, adapter, ids, row, {
            ...options,
            signal: signals,
          })
          onProgress?.(++done, prompts.length)
          return answer
        }),
      )
    } catch (error) {
      failure.abort()
      throw error
    }
  }

  /**
   * Natural-log probabilities [V] of the token that follows each conversation, as they are decoded from; one conversation
   * after another, so that none depends on its batch.
   */
  async nextTokens(request: NextTokensRequest, options: AnswerOptions = {}): Promise<Float32Array[]> {
    const adapter = this.#adapter(request.adapter)
    this.#decoding ??= this.#open()
    const { batcher, model } = await this.#decoding
    const { vocabSize } = model.config
    const prompts = await this.#sequences(
      request.conversations.map((messages) => ({ kind: 'prompt', messages })),
    )
    const distributions: Float32Array[] = []
    for (const { ids: prompt } of prompts) {
      const { signal } = options
      const { topLogProbabilities } = await batcher.submit({
        ...{ prompt, adapter, maxTokens: 1, stopTokens: [], topLogProbabilities: vocabSize },
        ...(signal ? { signal } : {}),
        random: new Random(0, 'next token'),
      })
      const distribution = new Float32Array(vocabSize)
      for (const { token, logProbability } of topLogProbabilities[0]!) distribution[token] = logProbability
      distributions.push(distribution)
      options.onProgress?.(distributions.length, prompts.length)
    }
    return distributions
  }

  /** Natural-log probability of every token of each completion, in 32-bit floats whatever the base is decoded in. */
  async score(request: ScoreRequest, options: AnswerOptions = {}): Promise<number[][]> {
    const adapter = this.#adapter(request.adapter)
    const sequences = await this.#sequences(request.items.map((item) => ({ kind: 'example', ...item })))
    const decoder = this.#decoder(adapter, request.adapter)
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
      await new Promise((resolve) => setImmediate(resolve))
    }
    return scores
  }

  stats(): BatchStats {
    return this.#batcher?.stats() ?? { running: 0, waiting: 0, tokensPerSecond: 0 }
  }

  async close(): Promise<void> {
    await this.#text.close()
    for (const decoder of this.#decoders.values()) await decoder.release()
    this.#decoders.clear()
    const decoding = await this.#decoding
    await decoding?.batcher.exclusively(() => decoding.model.release())
  }

  /** The graph and its weights, when the first answer is asked for: scoring alone does without. */
  async #open(): Promise<Decoding> {
    const { base, threads, maxRows = 16, cacheBytes = 2 * GIGABYTE, reusePrefixes = true } = this.#options
    const adapters = [...this.#adapters.values()].map(({ loaded }) => loaded)
    const model = await DecodeModel.open({
      base,
      precision: this.precision,
      threads,
      slots: maxRows,
      ranks: adapters.length > 0 ? largestRanks(adapters) : null,
    })
    this.#batcher = new Batcher(model, { maxRows, cacheBytes, reusePrefixes })
    return { model, batcher: this.#batcher }
  }

  async #answer(
    batcher: Batcher,
    request: GenerateRequest,
    adapter: LoadedAdapter | null,
    prompt: readonly number[],
    row: number,
    { onText, signal }: AnswerOptions,
  ): Promise<Answer> {
    const { tokenizer } = this.#base
    const decoder = new StreamDecoder(tokenizer, { skipSpecialTokens: true })
    const stops = new StopStrings(request.stop ?? [])
    let text = ''
    const reported = request.topLogProbabilities !== undefined
    let tokens: StreamedToken[] = []
    const show = (piece: string, isLast = false) => {
      text += piece
      const rest = isLast && !stops.stopped && tokens.length > 0
      if (piece === '' && !rest) return
      if (reported) onText?.(row, piece, tokens)
      else onText?.(row, piece)
      tokens = []
    }
    const describe = (token: number, logProbability: number): DescribedToken => {
      const bytes = [...tokenizer.tokenBytes(token)]
      return { token, text: tokenizer.decode([token]), bytes, logProbability }
    }
    const { topLogProbabilities, ...generated } = await batcher.submit({
      prompt,
      adapter,
      maxTokens: request.maxTokens,
      stopTokens: this.#base.config.eosTokenIds,
      ...(request.sampling ? { sampling: request.sampling } : {}),
      ...(request.topLogProbabilities ? { topLogProbabilities: request.topLogProbabilities } : {}),
      ...(signal ? { signal } : {}),
      random: new Random(request.seed ?? 0, `row/${row}`),
      onToken: (token, { logProbability, alternatives }) => {
        if (reported && onText) {
          const described = alternatives.map((one) => describe(one.token, one.logProbability))
          tokens.push({ ...describe(token, logProbability), alternatives: described })
        }
        show(stops.push(decoder.push(token)))
        return stops.stopped
      },
    })
    show(stops.push(decoder.end()))
    show(stops.end(), true)
    return {
      ...generated,
      finishReason: stops.stopped ? 'stop' : generated.finishReason,
      text,
      promptTokens: prompt.length,
      topLogProbabilities: topLogProbabilities.map((alternatives) =>
        alternatives.map((alternative) => ({ ...alternative, text: tokenizer.decode([alternative.token]) })),
      ),
    }
  }

  #sequences(tasks: Parameters<TextService['sequence']>[0][]) {
    return Promise.all(tasks.map((task) => this.#text.sequence(task)))
  }

  #adapter(name: string | null): LoadedAdapter | null {
    if (name === null) return null
    const known = this.#adapters.get(name)
    if (!known) throw new EngineError('not-found', `No adapter ${name} is loaded`)
    return known.loaded
  }

  /** Scoring has weights of its own, read when it is first asked for. */
  #decoder(adapter: LoadedAdapter | null, name: string | null): Decoder {
    const known = this.#decoders.get(adapter)
    if (known) return known
    this.#weights ??= readWeights(this.#base, this.#options.scoringPrecision ?? 'f32')
    const decoder = createDecoder({
      config: this.#base.config,
      weights: this.#weights,
      adapter: name === null ? null : this.#adapters.get(name)!.adapter,
      threads: this.#options.threads,
    })
    this.#decoders.set(adapter, decoder)
    return decoder
  }
}

/** Indices in batches of similar length, longest last. */
function batches(lengths: number[]): number[][] {
  const order = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b)
  const result: number[][] = []
  for (let start = 0; start < order.length; start += SCORE_BATCH)
    result.push(order.slice(start, start + SCORE_BATCH))
  return result
}

// A continuous batch: requests join and leave between steps (Yu et al. 2022, Orca). Rows that decode occupy the first
// slots of the cache, the row whose prompt is being read the one after them; copies of what finished rows computed are
// kept for requests that begin alike.
import { Random } from '@regraft/methods'
import { EngineError } from '../errors.ts'
import type { LoadedAdapter } from './adapter-slots.ts'
import type { DecodeModel } from './decode-model.ts'
import { KeyValueCache } from './key-value-cache.ts'
import { chooseToken, GREEDY, mostProbableTokens, type Sampling } from './sample.ts'

/** Tokens of prompts that are read between two steps of the running rows. */
const PROMPT_CHUNK = 128
/** Copying a shorter prefix is not worth it. */
const SHORTEST_PREFIX = 32
/** Finished rows whose keys and values are kept. */
const KEPT_ROWS = 4
/** The rate of `stats` is that of this many milliseconds. */
const RATE_WINDOW = 5000

export interface RowRequest {
  prompt: readonly number[]
  adapter: LoadedAdapter | null
  maxTokens: number
  /** Generation ends after any of these, which is not part of the answer. */
  stopTokens: readonly number[]
  sampling?: Sampling
  /** Alternatives whose log-probabilities are wanted for each token. */
  topLogProbabilities?: number
  random?: Random
  /** Called for each token of the answer, with what is reported of it; true ends the row. */
  onToken?: (token: number, report: TokenReport) => boolean
  signal?: AbortSignal
}

/** A token's log-probability and the alternatives that were asked for, most probable first. */
export interface TokenReport {
  logProbability: number
  alternatives: TokenAlternative[]
}

export interface TokenAlternative {
  token: number
  /** Natural logarithm. */
  logProbability: number
}

export interface Generated {
  tokens: number[]
  /** One per token under the model's own distribution, natural logarithm. */
  logProbabilities: number[]
  /** One list per token, most probable first; empty unless asked for. */
  topLogProbabilities: TokenAlternative[][]
  finishReason: 'stop' | 'length'
  /** Tokens of the prompt whose keys and values were copied from another row. */
  reusedTokens: number
}

export interface BatchStats {
  running: number
  waiting: number
  /** Tokens generated per second over the last seconds. */
  tokensPerSecond: number
}

export interface BatcherOptions {
  maxRows: number
  /** Bytes that keys and values may take; at least one row runs whatever it needs. */
  cacheBytes: number
  /** Whether prompts may begin with what other rows computed. */
  reusePrefixes: boolean
}

interface Row extends RowRequest {
  result: Generated
  /** Tokens whose keys and values are in the cache. */
  cached: number[]
  next: number
  resolve(result: Generated): void
  reject(error: unknown): void
}

/** What a finished row computed. */
interface Kept {
  tokens: readonly number[]
  adapter: LoadedAdapter | null
  keysAndValues: Float32Array[]
}

interface Prefix {
  length: number
  /** A row that runs, by its slot, or one that is kept. */
  from: number | Kept | null
}

/** Decodes any number of requests in one batch. */
export class Batcher {
  readonly #model: DecodeModel
  readonly #options: BatcherOptions
  #waiting: Row[] = []
  #running: Row[] = []
  #reading: Row | null = null
  /** Used last ones last. */
  #kept: Kept[] = []
  #looping = false
  #pauses: (() => Promise<void>)[] = []
  #recent: { at: number; tokens: number }[] = []

  constructor(model: DecodeModel, options: BatcherOptions) {
    this.#model = model
    this.#options = options
  }

  /** Continues a prompt. Throws `invalid-input` for an empty prompt or one that leaves no room in the context. */
  submit(request: RowRequest): Promise<Generated> {
    const limit = this.#model.config.maxPositionEmbeddings
    const { length } = request.prompt
    if (length === 0) return Promise.reject(new EngineError('invalid-input', 'A prompt has no tokens'))
    if (length >= limit) {
      const message = `A prompt of ${length} tokens fills the context of ${limit}`
      return Promise.reject(new EngineError('invalid-input', message, { hint: 'Shorten the conversation' }))
    }
    return new Promise((resolve, reject) => {
      const result: Generated = {
        tokens: [],
        logProbabilities: [],
        topLogProbabilities: [],
        finishReason: 'length',
        reusedTokens: 0,
      }
      this.#waiting.push({ ...request, result, cached: [], next: -1, resolve, reject })
      this.#start()
    })
  }

  /** Runs something that needs the model to itself, between two steps. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pauses.push(() => work().then(resolve, reject))
      this.#start()
    })
  }

  /** Whether a row that is waiting or running uses this adapter. */
  uses(adapter: LoadedAdapter): boolean {
    return this.#rows().some((row) => row.adapter === adapter)
  }

  stats(): BatchStats {
    const now = performance.now()
    this.#recent = this.#recent.filter(({ at }) => now - at <= RATE_WINDOW)
    const tokens = this.#recent.reduce((sum, step) => sum + step.tokens, 0)
    return {
      running: this.#running.length + (this.#reading ? 1 : 0),
      waiting: this.#waiting.length,
      tokensPerSecond: tokens / (RATE_WINDOW / 1000),
    }
  }

  #rows(): Row[] {
    return [...this.#running, ...(this.#reading ? [this.#reading] : []), ...this.#waiting]
  }

  #start(): void {
    if (this.#looping) return
    this.#looping = true
    // Requests that come together start together.
    setImmediate(() => void this.#loop())
  }

  async #loop(): Promise<void> {
    while (this.#pauses.length > 0 || this.#rows().length > 0) {
      for (const pause of this.#pauses.splice(0)) await pause()
      try {
        this.#dropCancelled()
        await this.#readPrompts()
        await this.#step()
      } catch (error) {
        this.#failAll(error)
      }
      // The runtime blocks the event loop: messages get their turn here.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#looping = false
  }

  /** Reads prompts, at most a chunk when rows are waiting for their next token. */
  async #readPrompts(): Promise<void> {
    let budget = PROMPT_CHUNK
    while (budget > 0) {
      const row = this.#reading ?? this.#admit()
      if (!row) return
      const slot = this.#running.length
      const done = row.cached.length
      const ids = row.prompt.slice(done, done + Math.min(budget, PROMPT_CHUNK))
      this.#model.cache.reserve(row.prompt.length + 1, this.#used())
      const run = { firstSlot: slot, ids: [ids], before: [done], adapters: [row.adapter] }
      const scores = await this.#model.run(run)
      row.cached.push(...ids)
      budget -= ids.length
      if (row.cached.length < row.prompt.length) continue
      this.#reading = null
      this.#running.push(row)
      if (this.#accept(row, scores)) this.#finish([row])
    }
  }

  /** Takes the next request in, if there is room, and copies what it shares with another row. */
  #admit(): Row | null {
    const next = this.#waiting[0]
    if (!next || this.#running.length >= this.#rowLimit(next)) return null
    this.#waiting.shift()
    const { cache } = this.#model
    const slot = this.#running.length
    const { length, from } = this.#sharedPrefix(next)
    cache.reserve(length + 1, this.#used())
    if (typeof from === 'number') cache.copy(from, slot, length)
    else if (from) {
      cache.restore(from.keysAndValues, slot, length)
      this.#kept.push(...this.#kept.splice(this.#kept.indexOf(from), 1))
    }
    next.cached = next.prompt.slice(0, length)
    next.result.reusedTokens = length
    this.#reading = next
    return next
  }

  /** The longest beginning of a prompt that was computed already; its last token is always computed anew. */
  #sharedPrefix(row: Row): Prefix {
    let best: Prefix = { length: SHORTEST_PREFIX - 1, from: null }
    const consider = (tokens: readonly number[], adapter: LoadedAdapter | null, from: number | Kept) => {
      if (adapter !== row.adapter) return
      const most = Math.min(tokens.length, row.prompt.length - 1)
      let length = 0
      while (length < most && tokens[length] === row.prompt[length]) length++
      if (length > best.length) best = { length, from }
    }
    if (this.#options.reusePrefixes) {
      for (const [slot, { cached, adapter }] of this.#running.entries()) consider(cached, adapter, slot)
      for (const kept of this.#kept) consider(kept.tokens, kept.adapter, kept)
    }
    return best.from === null ? { length: 0, from: null } : best
  }

  async #step(): Promise<void> {
    const rows = this.#running
    if (rows.length === 0) return
    const longest = rows.reduce((most, row) => Math.max(most, row.cached.length), 0)
    this.#model.cache.reserve(longest + 1, this.#used())
    const scores = await this.#model.run({
      firstSlot: 0,
      ids: rows.map((row) => [row.next]),
      before: rows.map((row) => row.cached.length),
      adapters: rows.map((row) => row.adapter),
    })
    const { vocabSize } = this.#model.config
    const finished = rows.filter((row, i) => {
      row.cached.push(row.next)
      return this.#accept(row, scores.subarray(i * vocabSize, (i + 1) * vocabSize))
    })
    this.#recent.push({ at: performance.now(), tokens: rows.length })
    this.#finish(finished)
  }

  /** Chooses a row's next token; true when the row is done. */
  #accept(row: Row, scores: Float32Array): boolean {
    const { result, stopTokens, maxTokens, prompt, sampling = GREEDY, topLogProbabilities = 0 } = row
    row.random ??= new Random(0, 'row/0')
    const token = chooseToken(scores, sampling, row.random)
    row.next = token
    if (stopTokens.includes(token)) {
      result.finishReason = 'stop'
      return true
    }
    result.tokens.push(token)
    result.logProbabilities.push(scores[token]!)
    const alternatives =
      topLogProbabilities > 0
        ? mostProbableTokens(scores, topLogProbabilities).map((alternative) => {
            return { token: alternative, logProbability: scores[alternative]! }
          })
        : []
    if (topLogProbabilities > 0) result.topLogProbabilities.push(alternatives)
    if (row.onToken?.(token, { logProbability: scores[token]!, alternatives })) {
      result.finishReason = 'stop'
      return true
    }
    const limit = this.#model.config.maxPositionEmbeddings
    return result.tokens.length >= maxTokens || prompt.length + result.tokens.length >= limit
  }

  #finish(rows: readonly Row[]): void {
    for (const row of rows) {
      this.#leave(row)
      row.resolve(row.result)
    }
  }

  /** Takes a row out of the batch; the last one gets its slot. */
  #leave(row: Row): void {
    const { cache } = this.#model
    const slot = this.#running.indexOf(row)
    const last = this.#running.pop()!
    if (this.#options.reusePrefixes && row.cached.length >= SHORTEST_PREFIX) this.#keep(row, slot)
    if (last !== row) {
      cache.copy(this.#running.length, slot, last.cached.length)
      this.#running[slot] = last
    }
    // The row that is being read stays right behind the running ones.
    const end = this.#running.length
    if (this.#reading) cache.copy(end + 1, end, this.#reading.cached.length)
    cache.shrink(this.#used())
  }

  /** Copies what a row computed, in place of shorter beginnings of the same and of what was used longest ago. */
  #keep({ cached, adapter }: Row, slot: number): void {
    const covered = ({ tokens, adapter: other }: Kept) =>
      other === adapter && tokens.length <= cached.length && tokens.every((token, i) => token === cached[i])
    const others = this.#kept.filter((kept) => !covered(kept)).slice(1 - KEPT_ROWS)
    const keysAndValues = this.#model.cache.snapshot(slot, cached.length)
    this.#kept = [...others, { tokens: cached, adapter, keysAndValues }]
  }

  #dropCancelled(): void {
    const error = () => new EngineError('cancelled', 'The generation was cancelled')
    this.#waiting = this.#waiting.filter((row) => {
      if (row.signal?.aborted) row.reject(error())
      return !row.signal?.aborted
    })
    if (this.#reading?.signal?.aborted) {
      this.#reading.reject(error())
      this.#reading = null
    }
    for (const row of this.#running.filter(({ signal }) => signal?.aborted)) {
      this.#leave(row)
      row.reject(error())
    }
  }

  #failAll(error: unknown): void {
    for (const row of this.#rows()) row.reject(error)
    this.#waiting = []
    this.#running = []
    this.#reading = null
  }

  #tokensOf(row: Row): number {
    return Math.min(row.prompt.length + row.maxTokens, this.#model.config.maxPositionEmbeddings)
  }

  /** Rows that may run at once when this one joins. */
  #rowLimit(next: Row): number {
    const { config } = this.#model
    const longest = Math.max(...[...this.#running, next].map((row) => this.#tokensOf(row)))
    const affordable = Math.floor(this.#options.cacheBytes / (longest * KeyValueCache.bytesPerToken(config)))
    return Math.max(1, Math.min(this.#options.maxRows, affordable))
  }

  /** Tokens in the slots. */
  #used(): number[] {
    const rows = [...this.#running, ...(this.#reading ? [this.#reading] : [])]
    return rows.map(({ cached }) => cached.length)
  }
}

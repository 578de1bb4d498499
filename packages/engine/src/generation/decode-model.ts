import { MASKED } from '../decoder/batch.ts'
import { LINEAR_NAMES } from '../decoder/layer.ts'
import type { Base, DecoderConfig } from '../formats/types.ts'
import {
  emptyTensor,
  type Feeds,
  floats,
  openDecodingSession,
  type Session,
  tensorOver,
} from '../graph/session.ts'
import { AdapterSlots, type LoadedAdapter, type Ranks } from './adapter-slots.ts'
import { decodeGraph } from './decode-graph.ts'
import { type DecodeMatrix, type DecodePrecision, embedTokens, readDecodeWeights } from './decode-weights.ts'
import { KeyValueCache } from './key-value-cache.ts'

export interface DecodeModelOptions {
  base: Pick<Base, 'config' | 'tensors'>
  precision: DecodePrecision
  threads: number
  /** Rows whose keys and values are held at once. */
  slots: number
  /** Ranks of adapters that the graph takes from the start. */
  ranks?: Ranks | null
}

/** Rows of one run: neighbouring slots, the same number of new tokens for each. */
export interface DecodeRun {
  firstSlot: number
  /** New tokens of each row. */
  ids: number[][]
  /** Tokens of each row before these. */
  before: number[]
  adapters: (LoadedAdapter | null)[]
}

/** A base ready for decoding, with the keys and values of its rows. */
export class DecodeModel {
  readonly config: DecoderConfig
  readonly cache: KeyValueCache
  #options: DecodeModelOptions
  #session: Session
  #embedding: DecodeMatrix
  #adapterSlots: AdapterSlots | null = null

  private constructor(options: DecodeModelOptions, session: Session, embedding: DecodeMatrix) {
    this.#options = options
    this.config = options.base.config
    this.cache = new KeyValueCache(this.config, options.slots)
    this.#session = session
    this.#embedding = embedding
  }

  static async open(options: DecodeModelOptions): Promise<DecodeModel> {
    const ranks = options.ranks ? roundUp(options.ranks) : null
    const { session, embedding } = await openModelSession(options, ranks)
    const model = new DecodeModel(options, session, embedding)
    if (ranks) model.#adapterSlots = new AdapterSlots(model.config, ranks)
    return model
  }

  /**
   * Makes the graph take adapters of these ranks. A graph without adapters is quicker, so one with them replaces it when
   * they are first needed; the weights are read again, so that only one packed copy is kept.
   */
  async allowRanks(ranks: Ranks): Promise<void> {
    const now = this.#adapterSlots?.ranks
    const names = LINEAR_NAMES
    if (now && names.every((name) => ranks[name] <= now[name])) return
    const largest = names.map((name) => [name, Math.max(ranks[name], now?.[name] ?? 0)])
    const wanted = roundUp(Object.fromEntries(largest) as Ranks)
    await this.#session.release()
    const { session, embedding } = await openModelSession(this.#options, wanted)
    this.#session = session
    this.#embedding = embedding
    this.#adapterSlots = new AdapterSlots(this.config, wanted)
  }

  dropAdapter(adapter: LoadedAdapter): void {
    this.#adapterSlots?.drop(adapter)
  }

  /** Natural-log probabilities [rows, V] of what follows the last token of each row. */
  async run({ firstSlot, ids, before, adapters }: DecodeRun): Promise<Float32Array> {
    const { hiddenSize, vocabSize, numHiddenLayers, numKeyValueHeads, headDim, numAttentionHeads } =
      this.config
    const [batch, length] = [ids.length, ids[0]!.length]
    const { capacity } = this.cache
    const x = new Float32Array(batch * length * hiddenSize)
    embedTokens(this.config, this.#embedding, ids.flat(), x)
    const positions = new BigInt64Array(batch * length)
    for (const [row, tokens] of before.entries()) {
      for (let i = 0; i < length; i++) positions[row * length + i] = BigInt(tokens + i)
    }
    const integers = (values: readonly number[]) =>
      tensorOver(BigInt64Array.from(values, BigInt), [values.length])
    const feeds: Feeds = {
      ...this.cache.tensors(firstSlot, batch),
      ...attentionMasks(this.config, before, length, capacity),
      ...this.#adapterFeeds(adapters, length),
      x: tensorOver(x, [batch * length, hiddenSize]),
      positions: tensorOver(positions, [batch, length]),
      heads: integers([batch, length, numAttentionHeads + 2 * numKeyValueHeads, headDim]),
      sizes: integers([capacity, length]),
      rows: integers(before.map((_, row) => (row + 1) * length - 1)),
    }
    const scores = emptyTensor([batch, vocabSize])
    const fresh = emptyTensor([2 * numHiddenLayers * batch, numKeyValueHeads, length, headDim])
    await this.#session.run(feeds, { scores, fresh })
    this.cache.write(floats(fresh), firstSlot, before, length)
    return floats(scores)
  }

  async release(): Promise<void> {
    await this.#session.release()
  }

  #adapterFeeds(adapters: readonly (LoadedAdapter | null)[], length: number): Feeds {
    if (!this.#adapterSlots) return {}
    const active = [...new Set(adapters)].filter((adapter) => adapter !== null)
    const slots = active.length > 0 ? this.#adapterSlots.place(active) : []
    if (active.length === 0) this.#adapterSlots.reserveOne()
    const first = slots.length > 0 ? Math.min(...slots) : 0
    const count = slots.length > 0 ? Math.max(...slots) - first + 1 : 1
    const members: number[][] = Array.from({ length: count }, () => [])
    for (const [row, adapter] of adapters.entries()) {
      if (adapter) members[slots[active.indexOf(adapter)]! - first]!.push(row)
    }
    const most = Math.max(1, ...members.map((rows) => rows.length)) * length
    const order = new BigInt64Array(count * most)
    const place = new BigInt64Array(adapters.length * length)
    const adapted = new Float32Array(adapters.length * length)
    for (const [segment, rows] of members.entries()) {
      for (const [i, row] of rows.entries()) {
        for (let token = 0; token < length; token++) {
          const at = segment * most + i * length + token
          order[at] = BigInt(row * length + token)
          place[row * length + token] = BigInt(at)
          adapted[row * length + token] = 1
        }
      }
    }
    return {
      ...this.#adapterSlots.tensors(first, count),
      order: tensorOver(order, [count, most]),
      place: tensorOver(place, [place.length]),
      adapted: tensorOver(adapted, [adapted.length, 1]),
    }
  }
}

/** What hides from each new token the keys that it may not see, by the names of the decoding graph. */
function attentionMasks(
  { attentionKinds, numAttentionHeads, numKeyValueHeads }: DecoderConfig,
  before: readonly number[],
  length: number,
  capacity: number,
): Feeds {
  // One line serves all queries of a head of keys when there is one new token.
  const group = length === 1 ? 1 : numAttentionHeads / numKeyValueHeads
  const feeds: Feeds = {}
  for (const [kind, { window }] of attentionKinds.entries()) {
    const reach = window ?? Number.POSITIVE_INFINITY
    const past = new Float32Array(before.length * group * length * capacity).fill(MASKED)
    const own = new Float32Array(group * length * length).fill(MASKED)
    for (let token = 0; token < length; token++) {
      const firstOwn = Math.max(0, token - reach + 1)
      for (let copy = 0; copy < group; copy++) {
        const line = copy * length + token
        own.fill(0, line * length + firstOwn, line * length + token + 1)
        for (const [row, tokens] of before.entries()) {
          const start = (row * group * length + line) * capacity
          const first = Math.min(tokens, Math.max(0, tokens + token - reach + 1))
          past.fill(0, start + first, start + tokens)
        }
      }
    }
    feeds[`past.${kind}`] = tensorOver(past, [before.length, 1, group * length, capacity])
    feeds[`own.${kind}`] = tensorOver(own, [1, 1, group * length, length])
  }
  return feeds
}

async function openModelSession(options: DecodeModelOptions, ranks: Ranks | null) {
  const weights = readDecodeWeights(options.base, options.precision)
  const graph = decodeGraph(options.base.config, weights, ranks)
  const session = await openDecodingSession(graph, { threads: options.threads })
  return { session, embedding: weights.embedding }
}

/** Ranks in steps, so that few adapters make the graph be compiled again. */
function roundUp(ranks: Ranks): Ranks {
  const step = (rank: number) => (rank === 0 ? 0 : Math.max(8, 2 ** Math.ceil(Math.log2(rank))))
  return Object.fromEntries(LINEAR_NAMES.map((name) => [name, step(ranks[name])])) as Ranks
}

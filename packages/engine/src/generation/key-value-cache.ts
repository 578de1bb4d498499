import { rotaryAngles } from '../decoder/rotary.ts'
import type { DecoderConfig, Rope } from '../formats/types.ts'
import { type Feeds, tensorOver } from '../graph/session.ts'
import { paddedHeadDim } from './decode-graph.ts'

const SMALLEST_CAPACITY = 64

/**
 * Keys and values of all rows, per layer [slots, KV, capacity, hd], in memory that the runtime reads and writes in
 * place. A run covers neighbouring slots. The capacity grows in powers of two; pages that no token has reached yet take
 * no memory.
 */
export class KeyValueCache {
  readonly slots: number
  #config: DecoderConfig
  #capacity = 0
  #arrays: Float32Array[] = []
  #angles: Feeds = {}
  #feeds = new Map<string, { past: Feeds; present: Feeds }>()

  constructor(config: DecoderConfig, slots: number) {
    this.#config = config
    this.slots = slots
  }

  /** Tokens that a slot has room for. */
  get capacity(): number {
    return this.#capacity
  }

  /** The capacity that rows of this many tokens need. */
  static capacityFor(config: DecoderConfig, tokens: number): number {
    const power = 2 ** Math.ceil(Math.log2(Math.max(tokens, SMALLEST_CAPACITY)))
    return Math.min(power, Math.max(config.maxPositionEmbeddings, SMALLEST_CAPACITY))
  }

  /** Bytes of a slot for each token of capacity. */
  static bytesPerToken(config: DecoderConfig): number {
    return config.numHiddenLayers * 2 * config.numKeyValueHeads * paddedHeadDim(config) * 4
  }

  /** Makes room for `tokens` in each slot; `used` says how many tokens of each slot are to be kept. */
  reserve(tokens: number, used: readonly number[]): void {
    const capacity = KeyValueCache.capacityFor(this.#config, tokens)
    if (capacity <= this.#capacity) return
    const { numHiddenLayers, numKeyValueHeads, attentionKinds } = this.#config
    const headDim = paddedHeadDim(this.#config)
    const [before, after] = [this.#capacity * headDim, capacity * headDim]
    for (let i = 0; i < numHiddenLayers * 2; i++) {
      const old = this.#arrays[i]
      const grown = new Float32Array(this.slots * numKeyValueHeads * after)
      for (const [slot, length] of used.entries()) {
        for (let head = slot * numKeyValueHeads; head < (slot + 1) * numKeyValueHeads; head++) {
          if (old && length > 0) {
            grown.set(old.subarray(head * before, head * before + length * headDim), head * after)
          }
        }
      }
      this.#arrays[i] = grown
    }
    this.#capacity = capacity
    this.#feeds.clear()
    this.#angles = {}
    for (const [kind, { rope }] of attentionKinds.entries()) {
      if (!rope) continue
      const { cos, sin } = this.#angleTables(rope, capacity)
      this.#angles[`cos.${kind}`] = tensorOver(cos, [capacity, headDim / 2])
      this.#angles[`sin.${kind}`] = tensorOver(sin, [capacity, headDim / 2])
    }
  }

  /** Copies the first `length` tokens of a slot into another. */
  copy(from: number, to: number, length: number): void {
    if (from === to) return
    this.#eachHead(from, to, length, (array, source, target, size) => {
      array.copyWithin(target, source, source + size)
    })
  }

  /** Exchanges two slots of which the first `length` tokens matter. */
  swap(a: number, b: number, length: number): void {
    if (a === b) return
    const spare = new Float32Array(length * paddedHeadDim(this.#config))
    this.#eachHead(a, b, length, (array, first, second, size) => {
      spare.set(array.subarray(first, first + size))
      array.copyWithin(first, second, second + size)
      array.set(spare, second)
    })
  }

  /** The tensors of `count` slots from `first` on, by the names of the decoding graph. */
  tensors(first: number, count: number): { past: Feeds; present: Feeds } {
    const key = `${first}:${count}`
    const known = this.#feeds.get(key)
    if (known) return known
    const { numKeyValueHeads } = this.#config
    const headDim = paddedHeadDim(this.#config)
    const shape = [count, numKeyValueHeads, this.#capacity, headDim]
    const slot = numKeyValueHeads * this.#capacity * headDim
    const past: Feeds = { ...this.#angles }
    const present: Feeds = {}
    for (const [i, array] of this.#arrays.entries()) {
      const name = `${i >> 1}.${i % 2 === 0 ? 'keys' : 'values'}`
      const tensor = tensorOver(array.subarray(first * slot, (first + count) * slot), shape)
      past[`past.${name}`] = tensor
      present[`present.${name}`] = tensor
    }
    const feeds = { past, present }
    this.#feeds.set(key, feeds)
    return feeds
  }

  /** Cosines and sines; what fills up a head is not rotated. */
  #angleTables(rope: Rope, capacity: number): { cos: Float32Array; sin: Float32Array } {
    const half = this.#config.headDim / 2
    const width = paddedHeadDim(this.#config) / 2
    const narrow = rotaryAngles(rope, this.#config.headDim, capacity)
    if (width === half) return narrow
    const widen = (table: Float32Array, fill: number) => {
      const wide = new Float32Array(capacity * width).fill(fill)
      for (let i = 0; i < capacity; i++) wide.set(table.subarray(i * half, (i + 1) * half), i * width)
      return wide
    }
    return { cos: widen(narrow.cos, 1), sin: widen(narrow.sin, 0) }
  }

  #eachHead(
    from: number,
    to: number,
    length: number,
    visit: (array: Float32Array, source: number, target: number, size: number) => void,
  ): void {
    const { numKeyValueHeads } = this.#config
    const headDim = paddedHeadDim(this.#config)
    const stride = this.#capacity * headDim
    for (const array of this.#arrays) {
      for (let head = 0; head < numKeyValueHeads; head++) {
        const source = (from * numKeyValueHeads + head) * stride
        const target = (to * numKeyValueHeads + head) * stride
        visit(array, source, target, length * headDim)
      }
    }
  }
}

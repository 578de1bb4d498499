import { rotaryAngles } from '../decoder/rotary.ts'
import type { DecoderConfig } from '../formats/types.ts'
import { type Feeds, tensorOver } from '../graph/session.ts'

/** Capacities are multiples of this: attention reads all of it, so it follows the longest row closely. */
const CAPACITY_STEP = 64

/**
 * Keys and values of all rows, per layer [slots, KV, capacity, hd], in memory that the runtime reads in place. A run covers neighbouring slots. The capacity grows by at least an eighth; pages that no token has reached yet
 * take no memory.
 */
export class KeyValueCache {
  readonly slots: number
  #config: DecoderConfig
  #capacity = 0
  #arrays: Float32Array[] = []
  #angles: Feeds = {}
  #feeds = new Map<string, Feeds>()

  constructor(config: DecoderConfig, slots: number) {
    this.#config = config
    this.slots = slots
  }

  /** Tokens that a slot has room for. */
  get capacity(): number {
    return this.#capacity
  }

  /** Bytes of a slot for each token of capacity. */
  static bytesPerToken(config: DecoderConfig): number {
    return config.numHiddenLayers * 2 * config.numKeyValueHeads * config.headDim * 4
  }

  /** Makes room for `tokens` in each slot; `used` says how many tokens of each slot are to be kept. */
  reserve(tokens: number, used: readonly number[]): void {
    if (tokens > this.#capacity) this.#resize(Math.max(tokens, this.#capacity * 1.125), used)
  }

  /** Follows the rows when all of them are much shorter than the capacity. */
  shrink(used: readonly number[]): void {
    const most = Math.max(0, ...used)
    if (this.#capacity > 2 * Math.max(most, CAPACITY_STEP)) this.#resize(most, used)
  }

  #resize(tokens: number, used: readonly number[]): void {
    const capacity = Math.ceil(Math.max(tokens, 1) / CAPACITY_STEP) * CAPACITY_STEP
    const { numHiddenLayers, numKeyValueHeads, attentionKinds } = this.#config
    const { headDim } = this.#config
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
      const { cos, sin } = rotaryAngles(rope, headDim, capacity)
      this.#angles[`cos.${kind}`] = tensorOver(cos, [capacity, headDim / 2])
      this.#angles[`sin.${kind}`] = tensorOver(sin, [capacity, headDim / 2])
    }
  }

  /** Copies the first `length` tokens of a slot into another. */
  copy(from: number, to: number, length: number): void {
    if (from === to) return
    const { numKeyValueHeads, headDim } = this.#config
    const stride = this.#capacity * headDim
    for (const array of this.#arrays) {
      for (let head = 0; head < numKeyValueHeads; head++) {
        const source = (from * numKeyValueHeads + head) * stride
        array.copyWithin((to * numKeyValueHeads + head) * stride, source, source + length * headDim)
      }
    }
  }

  /** A copy of the first `length` tokens of a slot: per layer keys and values [KV, length, hd]. */
  snapshot(slot: number, length: number): Float32Array[] {
    const { numKeyValueHeads, headDim } = this.#config
    const stride = this.#capacity * headDim
    return this.#arrays.map((array) => {
      const copy = new Float32Array(numKeyValueHeads * length * headDim)
      for (let head = 0; head < numKeyValueHeads; head++) {
        const source = (slot * numKeyValueHeads + head) * stride
        copy.set(array.subarray(source, source + length * headDim), head * length * headDim)
      }
      return copy
    })
  }

  /** Writes the first `length` tokens of a snapshot into a slot. */
  restore(snapshot: readonly Float32Array[], slot: number, length: number): void {
    const { numKeyValueHeads, headDim } = this.#config
    const stride = this.#capacity * headDim
    for (const [i, copy] of snapshot.entries()) {
      const own = copy.length / numKeyValueHeads
      for (let head = 0; head < numKeyValueHeads; head++) {
        const part = copy.subarray(head * own, head * own + length * headDim)
        this.#arrays[i]!.set(part, (slot * numKeyValueHeads + head) * stride)
      }
    }
  }

  /** The tensors of `count` slots from `first` on, by the names of the decoding graph. */
  tensors(first: number, count: number): Feeds {
    const key = `${first}:${count}`
    const known = this.#feeds.get(key)
    if (known) return known
    const { numKeyValueHeads, headDim } = this.#config
    const slot = numKeyValueHeads * this.#capacity * headDim
    const feeds: Feeds = { ...this.#angles }
    for (const [i, array] of this.#arrays.entries()) {
      const part = array.subarray(first * slot, (first + count) * slot)
      feeds[`${i >> 1}.${i % 2 === 0 ? 'keys' : 'values'}`] = tensorOver(part, [
        count,
        numKeyValueHeads,
        this.#capacity,
        headDim,
      ])
    }
    this.#feeds.set(key, feeds)
    return feeds
  }

  /** Writes the keys and values [2·L·B, KV, S, hd] of a run over neighbouring slots; `before` tokens are there already. */
  write(fresh: Float32Array, first: number, before: readonly number[], length: number): void {
    const { numKeyValueHeads, headDim } = this.#config
    const size = length * headDim
    let source = 0
    for (const array of this.#arrays) {
      for (const [row, tokens] of before.entries()) {
        const head = (first + row) * numKeyValueHeads
        for (let i = 0; i < numKeyValueHeads; i++, source += size) {
          const target = ((head + i) * this.#capacity + tokens) * headDim
          array.set(fresh.subarray(source, source + size), target)
        }
      }
    }
  }
}

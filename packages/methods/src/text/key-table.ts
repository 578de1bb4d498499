/** Bits of the filter for each slot of the table: a key that is not there is seldom looked for in it. */
const FILTER_BITS = 8

/**
 * A map from 53-bit keys to whole numbers from 0, in flat arrays: up to 26 bytes for each key that it holds.
 *
 * In front of the table is a small filter of one bit per key, which stays in the processor's cache: most look-ups are of
 * keys that are not there, and end at it.
 */
export class KeyTable {
  size = 0
  #keys: Float64Array
  #values: Int32Array
  #filter: Uint32Array

  constructor(expected = 16) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * expected)))
    this.#keys = new Float64Array(slots)
    this.#values = new Int32Array(slots).fill(-1)
    this.#filter = new Uint32Array((slots * FILTER_BITS) / 32)
  }

  /** The number under a key, or -1. */
  get(key: number): number {
    const hash = key | 0
    if ((this.#filter[(hash >>> 5) & (this.#filter.length - 1)]! & (1 << hash)) === 0) return -1
    return this.#values[this.#slotOf(key)]!
  }

  set(key: number, value: number): void {
    if (2 * (this.size + 1) > this.#keys.length) this.#grow()
    const slot = this.#slotOf(key)
    if (this.#values[slot] === -1) this.size++
    this.#put(slot, key, value)
  }

  /** The slot that holds a key, or the free one where it belongs. */
  #slotOf(key: number): number {
    const mask = this.#keys.length - 1
    let slot = (key | 0) & mask
    while (this.#values[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  #put(slot: number, key: number, value: number): void {
    const hash = key | 0
    this.#keys[slot] = key
    this.#values[slot] = value
    this.#filter[(hash >>> 5) & (this.#filter.length - 1)]! |= 1 << hash
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = new Float64Array(2 * keys.length)
    this.#values = new Int32Array(2 * keys.length).fill(-1)
    this.#filter = new Uint32Array(2 * this.#filter.length)
    for (let slot = 0; slot < keys.length; slot++) {
      if (values[slot] !== -1) this.#put(this.#slotOf(keys[slot]!), keys[slot]!, values[slot]!)
    }
  }
}

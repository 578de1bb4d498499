/** A map from 53-bit keys to whole numbers from 0, in two flat arrays: 24 bytes for each key that it holds. */
export class KeyTable {
  size = 0
  #keys: Float64Array
  #values: Int32Array

  constructor(expected = 16) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * expected)))
    this.#keys = new Float64Array(slots)
    this.#values = new Int32Array(slots).fill(-1)
  }

  /** The number under a key, or -1. */
  get(key: number): number {
    return this.#values[this.#slotOf(key)]!
  }

  set(key: number, value: number): void {
    if (2 * (this.size + 1) > this.#keys.length) this.#grow()
    const slot = this.#slotOf(key)
    if (this.#values[slot] === -1) this.size++
    this.#keys[slot] = key
    this.#values[slot] = value
  }

  /** The slot that holds a key, or the free one where it belongs. */
  #slotOf(key: number): number {
    const mask = this.#keys.length - 1
    let slot = (key | 0) & mask
    while (this.#values[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = new Float64Array(2 * keys.length)
    this.#values = new Int32Array(2 * keys.length).fill(-1)
    for (let slot = 0; slot < keys.length; slot++) {
      if (values[slot] === -1) continue
      const free = this.#slotOf(keys[slot]!)
      this.#keys[free] = keys[slot]!
      this.#values[free] = values[slot]!
    }
  }
}

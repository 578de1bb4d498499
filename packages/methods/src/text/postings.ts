import { KeyTable } from './key-table.ts'

/** For each key the numbers that were added under it, as chains in flat arrays. */
export class Postings {
  readonly #first = new KeyTable()
  #values = new Int32Array(64)
  #next = new Int32Array(64)
  #count = 0

  add(key: number, value: number): void {
    if (this.#count === this.#values.length) {
      this.#values = extended(this.#values)
      this.#next = extended(this.#next)
    }
    this.#next[this.#count] = this.#first.get(key)
    this.#values[this.#count] = value
    this.#first.set(key, this.#count++)
  }

  /** The first link of a key's chain, or -1. */
  first(key: number): number {
    return this.#first.get(key)
  }

  /** The link after this one, or -1. */
  next(link: number): number {
    return this.#next[link]!
  }

  value(link: number): number {
    return this.#values[link]!
  }
}

function extended(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}

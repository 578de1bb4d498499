import { KeyTable } from './key-table.ts'

/** For each key the numbers that were added under it, as chains in flat arrays. */
export class Postings {
  readonly #first = new KeyTable()
  readonly #values: number[] = []
  readonly #next: number[] = []

  add(key: number, value: number): void {
    this.#next.push(this.#first.get(key))
    this.#first.set(key, this.#values.length)
    this.#values.push(value)
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

  /** Length of a key's chain. */
  count(key: number): number {
    let count = 0
    for (let link = this.first(key); link !== -1; link = this.next(link)) count++
    return count
  }
}

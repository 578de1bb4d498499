/** Where a pattern begins: its index in the list, and the offset from the first byte of the stream. */
export interface ByteMatch {
  pattern: number
  offset: number
}

/** Patterns begin with this many bytes that are looked up at every offset. */
const PREFIX = 4
const BITMAP_BITS = 22

/**
 * Finds any of many byte patterns in streams of bytes, in one pass whatever their number.
 *
 * At every offset the next four bytes are looked up in a bitmap (after Rabin and Karp 1987, with the four bytes as their own
 * hash); only where they begin a pattern, the whole of it is compared. Throws a RangeError for a pattern of less than four bytes.
 */
export class ByteMatcher {
  readonly #patterns: readonly Uint8Array[]
  readonly #bitmap = new Uint8Array(2 ** (BITMAP_BITS - 3))
  readonly #byPrefix = new Map<number, number[]>()
  readonly #longest: number

  constructor(patterns: readonly Uint8Array[]) {
    this.#patterns = patterns
    this.#longest = patterns.reduce((longest, { length }) => Math.max(longest, length), 0)
    for (const [index, pattern] of patterns.entries()) {
      if (pattern.length < PREFIX) {
        throw new RangeError(`A byte pattern needs at least ${PREFIX} bytes, got ${pattern.length}.`)
      }
      const prefix = pattern[0]! | (pattern[1]! << 8) | (pattern[2]! << 16) | (pattern[3]! << 24)
      const slot = slotOf(prefix)
      this.#bitmap[slot >>> 3]! |= 1 << (slot & 7)
      const listed = this.#byPrefix.get(prefix)
      if (listed) listed.push(index)
      else this.#byPrefix.set(prefix, [index])
    }
  }

  /** Every match in some bytes, in the order of their offsets. */
  find(bytes: Uint8Array): ByteMatch[] {
    return this.#search(bytes, 0)
  }

  /** Begins a stream: call the result with each piece of it; it returns the matches that end in that piece. */
  stream(): (chunk: Uint8Array) => ByteMatch[] {
    let tail = new Uint8Array(0)
    let position = 0
    return (chunk) => {
      const joined = new Uint8Array(tail.length + chunk.length)
      joined.set(tail)
      joined.set(chunk, tail.length)
      const start = position - tail.length
      const known = tail.length
      const matches = this.#search(joined, known).map(({ pattern, offset }) => {
        return { pattern, offset: start + offset }
      })
      position += chunk.length
      tail = joined.slice(Math.max(0, joined.length - Math.max(0, this.#longest - 1)))
      return matches
    }
  }

  /** Matches that end after `from`. */
  #search(bytes: Uint8Array, from: number): ByteMatch[] {
    const matches: ByteMatch[] = []
    if (bytes.length < PREFIX) return matches
    const bitmap = this.#bitmap
    let word = (bytes[0]! << 8) | (bytes[1]! << 16) | (bytes[2]! << 24)
    for (let last = PREFIX - 1; last < bytes.length; last++) {
      word = (word >>> 8) | (bytes[last]! << 24)
      const slot = slotOf(word)
      if ((bitmap[slot >>> 3]! & (1 << (slot & 7))) === 0) continue
      const offset = last - PREFIX + 1
      for (const pattern of this.#byPrefix.get(word) ?? []) {
        const end = offset + this.#patterns[pattern]!.length
        if (end > from && this.#isAt(bytes, offset, this.#patterns[pattern]!))
          matches.push({ pattern, offset })
      }
    }
    return matches
  }

  #isAt(bytes: Uint8Array, offset: number, pattern: Uint8Array): boolean {
    if (offset + pattern.length > bytes.length) return false
    for (let index = PREFIX; index < pattern.length; index++) {
      if (bytes[offset + index] !== pattern[index]) return false
    }
    return true
  }
}

function slotOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - BITMAP_BITS)
}

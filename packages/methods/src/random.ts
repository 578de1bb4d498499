// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
// Output block i of a stream is a keyed bijection of the counter (i, stream), so a state is only a position.
// Nothing here calls a transcendental function: engines and libraries may round those differently, and
// the same seed must give the same numbers on every machine.

/** All that is needed to continue a generator: plain JSON. `position` counts the 32-bit words drawn. */
export interface RandomState {
  seed: string
  stream: string
  position: number
}

/**
 * Philox4x32-10 on one block.
 * @param counter four 32-bit words, least significant first
 * @param key two 32-bit words
 * @returns four unsigned 32-bit words
 */
export function philox4x32(counter: readonly number[], key: readonly number[]): Uint32Array {
  const block = new Uint32Array(counter)
  permute(block, key[0]! >>> 0, key[1]! >>> 0)
  return block
}

/**
 * A seeded generator that gives the same numbers on every machine.
 *
 * Two generators with the same seed and different streams are independent; a stream may be named by a
 * string, which is hashed (FNV-1a, 64 bits). Seeds and numeric streams are taken modulo 2^64.
 */
export class Random {
  readonly #seed: bigint
  readonly #stream: bigint
  readonly #block = new Uint32Array(4)
  #position = 0

  constructor(seed: number | bigint, stream: number | bigint | string = 0) {
    this.#seed = toWord64(seed, 'seed')
    this.#stream = typeof stream === 'string' ? hash64(stream) : toWord64(stream, 'stream')
  }

  /** Continues where the generator that gave `state` stood. Throws RangeError for a position that is no count. */
  static fromState(state: RandomState): Random {
    if (!Number.isSafeInteger(state.position) || state.position < 0) {
      throw new RangeError(`random state: position ${state.position} is not a count of drawn words`)
    }
    const random = new Random(BigInt(state.seed), BigInt(state.stream))
    random.#position = state.position
    if (state.position % 4 !== 0) random.#fill()
    return random
  }

  state(): RandomState {
    return { seed: String(this.#seed), stream: String(this.#stream), position: this.#position }
  }

  /** A word uniform in [0, 2^32). */
  nextUint32(): number {
    const index = this.#position % 4
    if (index === 0) this.#fill()
    this.#position++
    return this.#block[index]!
  }

  /** A number uniform in [0, 1) with 53 random bits (two words). */
  uniform(): number {
    const high = this.nextUint32() >>> 5
    const low = this.nextUint32() >>> 6
    return (high * 0x4000000 + low) / 0x20000000000000
  }

  /** An integer uniform in [0, n), without modulo bias. Throws RangeError unless 1 ≤ n ≤ 2^32. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x100000000) {
      throw new RangeError(`random integer: n is ${n}, must be a whole number from 1 to 2^32`)
    }
    const limit = 0x100000000 - (0x100000000 % n)
    let word = this.nextUint32()
    while (word >= limit) word = this.nextUint32()
    return word % n
  }

  /**
   * A standard normal deviate, by comparisons of uniform ones only.
   * Source: Karney, "Sampling exactly from the normal distribution" (ACM TOMS 42, 2016), algorithm N.
   */
  normal(): number {
    for (;;) {
      let whole = 0
      while (this.#exponentialCoin(0.5)) whole++
      if (!this.#allCoins(whole * (whole - 1), 0.5)) continue
      const fraction = this.uniform()
      // exp(-x(2k + x)/2) as k + 1 coins, because a coin's exponent must stay below 1.
      const exponent = (fraction * (2 * whole + fraction)) / (2 * (whole + 1))
      if (!this.#allCoins(whole + 1, exponent)) continue
      const magnitude = whole + fraction
      return this.nextUint32() & 1 ? magnitude : -magnitude
    }
  }

  /** One element, each as likely as the others. Throws RangeError when there is none. */
  choice<T>(array: readonly T[]): T {
    if (array.length === 0) throw new RangeError('random choice: the array is empty')
    return array[this.integer(array.length)]!
  }

  /** A new array with the same elements in random order (Fisher–Yates). */
  shuffle<T>(array: readonly T[]): T[] {
    const shuffled = [...array]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(last + 1)
      const moved = shuffled[last]!
      shuffled[last] = shuffled[other]!
      shuffled[other] = moved
    }
    return shuffled
  }

  /** An index with probability proportional to its weight. Throws RangeError unless all are ≥ 0 and one is > 0. */
  weighted(weights: readonly number[]): number {
    let total = 0
    for (const weight of weights) {
      if (!(weight >= 0) || weight === Infinity) throw new RangeError(`random weighted: weight ${weight}`)
      total += weight
    }
    if (!(total > 0)) throw new RangeError('random weighted: no weight is above zero')
    let rest = this.uniform() * total
    let lastPositive = 0
    for (const [index, weight] of weights.entries()) {
      if (weight === 0) continue
      if (rest < weight) return index
      rest -= weight
      lastPositive = index
    }
    // Rounding of the subtractions can leave a remainder of about 1e-16.
    return lastPositive
  }

  /** True with probability exp(-x) for x in [0, 1]: von Neumann's descending run of uniform deviates. */
  #exponentialCoin(x: number): boolean {
    let previous = x
    for (let length = 0; ; length++) {
      const next = this.uniform()
      if (next >= previous) return length % 2 === 0
      previous = next
    }
  }

  #allCoins(count: number, x: number): boolean {
    for (let toss = 0; toss < count; toss++) if (!this.#exponentialCoin(x)) return false
    return true
  }

  #fill(): void {
    const counter = Math.floor(this.#position / 4)
    this.#block[0] = counter % 0x100000000
    this.#block[1] = Math.floor(counter / 0x100000000)
    this.#block[2] = Number(this.#stream & 0xffffffffn)
    this.#block[3] = Number(this.#stream >> 32n)
    permute(this.#block, Number(this.#seed & 0xffffffffn), Number(this.#seed >> 32n))
  }
}

function permute(block: Uint32Array, key0: number, key1: number): void {
  let a = block[0]!
  let b = block[1]!
  let c = block[2]!
  let d = block[3]!
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, a)
    const low0 = Math.imul(0xd2511f53, a)
    const high1 = multiplyHigh(0xcd9e8d57, c)
    const low1 = Math.imul(0xcd9e8d57, c)
    a = (high1 ^ b ^ key0) >>> 0
    b = low1 >>> 0
    c = (high0 ^ d ^ key1) >>> 0
    d = low0 >>> 0
    key0 = (key0 + 0x9e3779b9) >>> 0
    key1 = (key1 + 0xbb67ae85) >>> 0
  }
  block[0] = a
  block[1] = b
  block[2] = c
  block[3] = d
}

// The upper 32 bits of a 64-bit product; each partial product is below 2^49, exact in a double.
function multiplyHigh(a: number, b: number): number {
  const carry = Math.floor((a * (b & 0xffff)) / 0x10000)
  return Math.floor((a * (b >>> 16) + carry) / 0x10000)
}

function toWord64(value: number | bigint, name: string): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`random ${name}: ${value} is not a whole number that a double holds exactly`)
  }
  return BigInt.asUintN(64, BigInt(value))
}

function hash64(text: string): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return hash
}

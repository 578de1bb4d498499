import { Random } from '../random.ts'

export interface Banding {
  /** Bands; two texts are candidates when they agree in one of them. */
  bands: number
  /** Hash functions per band, all of which must agree. */
  rows: number
}

/** Hash functions that a text may cost at most. */
const MOST_FUNCTIONS = 160

/** The share of pairs of a given Jaccard similarity that agree in at least one band. */
export function candidateProbability(similarity: number, { bands, rows }: Banding): number {
  return 1 - (1 - similarity ** rows) ** bands
}

/**
 * Chooses bands so that a pair at the threshold becomes a candidate with probability `recall` or more, and unlike pairs
 * as rarely as 160 hash functions allow. Pairs above the threshold are found more surely still.
 * Throws a RangeError unless threshold and recall lie between 0 and 1. Source: Leskovec, Rajaraman and Ullman, "Mining of
 * Massive Datasets", section 3.4 (the S-curve).
 */
export function chooseBanding(threshold: number, recall = 0.99): Banding {
  if (!(threshold > 0 && threshold <= 1) || !(recall > 0 && recall < 1)) {
    throw new RangeError(`Threshold (${threshold}) and recall (${recall}) must lie between 0 and 1.`)
  }
  let chosen: Banding | null = null
  for (let rows = 1; rows <= 8; rows++) {
    const agree = threshold ** rows
    const bands = agree >= 1 ? 1 : Math.ceil(Math.log(1 - recall) / Math.log(1 - agree))
    if (chosen !== null && bands * rows > MOST_FUNCTIONS) break
    chosen = { bands, rows }
  }
  return chosen!
}

/**
 * MinHash signatures, folded into one 32-bit key per band.
 *
 * Two sets have the same minimum under a random order with a probability equal to their Jaccard similarity, whatever
 * their sizes, so texts of few words lose no recall. The orders are x → a·x + b modulo 2^32 over mixed hashes.
 * Source: Broder 1997, "On the resemblance and containment of documents"; Indyk and Motwani 1998 for the bands.
 */
export class MinHash {
  readonly banding: Banding
  readonly #factors: Int32Array
  readonly #terms: Int32Array
  readonly #minima: Int32Array
  #words = new Int32Array(256)

  constructor(banding: Banding, seed: number) {
    this.banding = banding
    const random = new Random(seed, 'min-hash')
    const functions = banding.bands * banding.rows
    const padded = Math.ceil(functions / AT_ONCE) * AT_ONCE
    this.#factors = new Int32Array(padded)
    this.#terms = new Int32Array(padded)
    this.#minima = new Int32Array(padded)
    for (let at = 0; at < functions; at++) this.#factors[at] = random.nextUint32() | 1
    for (let at = 0; at < functions; at++) this.#terms[at] = random.nextUint32()
  }

  /** Writes the band keys of a set of `count` shingles to `target` from `offset` on. The set must not be empty. */
  bandKeys(shingles: Float64Array, count: number, target: Uint32Array, offset: number): void {
    if (this.#words.length < count) this.#words = new Int32Array(2 * count)
    const words = this.#words
    for (let at = 0; at < count; at++) words[at] = shingles[at]! | 0
    const minima = this.#minima
    for (let first = 0; first < minima.length; first += AT_ONCE) {
      findMinima(words, count, this.#factors, this.#terms, first, minima)
    }
    const { bands, rows } = this.banding
    let position = 0
    for (let band = 0; band < bands; band++) {
      let key = band + 1
      for (let row = 0; row < rows; row++) {
        key = Math.imul(key ^ minima[position++]!, 0x5bd1e995)
        key ^= key >>> 15
      }
      target[offset + band] = key >>> 0
    }
  }
}

/** Hash functions that are taken over a set in one pass: more than twice as fast as one by one. */
const AT_ONCE = 5

/** The smallest values of five functions, from `first` on, over the first `count` words. */
function findMinima(
  words: Int32Array,
  count: number,
  factors: Int32Array,
  terms: Int32Array,
  first: number,
  minima: Int32Array,
): void {
  const factorA = factors[first]!
  const factorB = factors[first + 1]!
  const factorC = factors[first + 2]!
  const factorD = factors[first + 3]!
  const factorE = factors[first + 4]!
  const termA = terms[first]!
  const termB = terms[first + 1]!
  const termC = terms[first + 2]!
  const termD = terms[first + 3]!
  const termE = terms[first + 4]!
  let a = 0x7fffffff
  let b = a
  let c = a
  let d = a
  let e = a
  for (let at = 0; at < count; at++) {
    const word = words[at]!
    let hash = (Math.imul(word, factorA) + termA) | 0
    if (hash < a) a = hash
    hash = (Math.imul(word, factorB) + termB) | 0
    if (hash < b) b = hash
    hash = (Math.imul(word, factorC) + termC) | 0
    if (hash < c) c = hash
    hash = (Math.imul(word, factorD) + termD) | 0
    if (hash < d) d = hash
    hash = (Math.imul(word, factorE) + termE) | 0
    if (hash < e) e = hash
  }
  minima[first] = a
  minima[first + 1] = b
  minima[first + 2] = c
  minima[first + 3] = d
  minima[first + 4] = e
}

import { type Banding, chooseBanding, MinHash } from './min-hash.ts'
import { countCommon, distinctShingles } from './shingles.ts'
import { WordHasher } from './word-hashes.ts'

export interface NearDuplicateOptions {
  /** Word-bigram Jaccard similarity from which two texts are near duplicates. Default 0.7. */
  threshold?: number
  /** Seed of the hash functions. Default 1. */
  seed?: number
  /** Default: what finds a pair at the threshold with a probability of 0.99. */
  banding?: Banding
}

/** A batch of texts as hashes: flat arrays, which move between threads without a copy. */
export interface SketchBatch {
  count: number
  /** Hash of each normalised text. */
  keys: Float64Array
  /** The ascending distinct shingles of all texts, one after another. */
  shingles: Float64Array
  /** Where each text's shingles begin; one more entry than texts. */
  offsets: Uint32Array
  /** Band keys, `bands` per text; zeros for a text without shingles. */
  bandKeys: Uint32Array
}

/** A text that was added before and is nearly the same. */
export interface NearDuplicate {
  /** Its number in the order of adding. */
  position: number
  /** Jaccard similarity of the word bigrams, at least the threshold. */
  similarity: number
}

/** Makes sketches of texts, for a `NearDuplicateIndex` with the same options. */
export class Sketcher {
  readonly #hasher = new WordHasher()
  readonly #minHash: MinHash

  constructor(options: NearDuplicateOptions = {}) {
    this.#minHash = new MinHash(bandingOf(options), options.seed ?? 1)
  }

  sketch(texts: readonly string[]): SketchBatch {
    const { bands } = this.#minHash.banding
    const keys = new Float64Array(texts.length)
    const offsets = new Uint32Array(texts.length + 1)
    const bandKeys = new Uint32Array(texts.length * bands)
    let shingles = new Float64Array(1024 + 32 * texts.length)
    let end = 0
    for (const [index, text] of texts.entries()) {
      this.#hasher.read(text)
      keys[index] = this.#hasher.key
      if (end + this.#hasher.count > shingles.length) shingles = extended(shingles, end, this.#hasher.count)
      const own = shingles.subarray(end)
      const count = distinctShingles(this.#hasher, own)
      if (count > 0) this.#minHash.bandKeys(own, count, bandKeys, index * bands)
      end += count
      offsets[index + 1] = end
    }
    return { count: texts.length, keys, shingles: shingles.slice(0, end), offsets, bandKeys }
  }
}

/** Rows per page, and shingles per chunk: storage grows by pieces, so it is never copied. */
const PAGE_BITS = 14
const PAGE = 1 << PAGE_BITS
const IN_PAGE = PAGE - 1
const CHUNK = 1 << 20

interface Page {
  bandKeys: Uint32Array
  /** For each row and band: the row before it in the same bucket, plus one. */
  before: Int32Array
  chunk: Uint32Array
  start: Uint32Array
  length: Uint32Array
}

/**
 * Finds earlier texts that are near duplicates of a text: MinHash bands propose, the exact word-bigram
 * Jaccard similarity decides, so no pair below the threshold is ever reported.
 *
 * Exact means on 53-bit keys of the bigrams (see word-hashes.ts). About 300 bytes and 8 per bigram are kept of each text
 * that is added. The same texts, order and options give the same answers.
 */
export class NearDuplicateIndex {
  readonly threshold: number
  readonly banding: Banding
  /** Number of texts added. */
  size = 0
  readonly #pages: Page[] = []
  readonly #chunks: Float64Array[] = []
  #free = 0
  #heads: Int32Array[]
  #seen = new Int32Array(PAGE)
  #asked = 0

  constructor(options: NearDuplicateOptions = {}) {
    this.banding = bandingOf(options)
    this.threshold = options.threshold ?? 0.7
    this.#heads = Array.from({ length: this.banding.bands }, () => new Int32Array(PAGE))
  }

  /** The near duplicates of text `index` of the batch, in the order of adding. */
  find(batch: SketchBatch, index: number): NearDuplicate[] {
    const own = batch.shingles.subarray(batch.offsets[index]!, batch.offsets[index + 1]!)
    const found: NearDuplicate[] = []
    if (own.length === 0) return found
    const { bands } = this.banding
    this.#asked++
    for (let band = 0; band < bands; band++) {
      const key = batch.bandKeys[index * bands + band]!
      const heads = this.#heads[band]!
      for (let row = heads[key & (heads.length - 1)]! - 1; row >= 0; ) {
        const page = this.#pages[row >>> PAGE_BITS]!
        const at = (row & IN_PAGE) * bands + band
        if (page.bandKeys[at] === key && this.#seen[row] !== this.#asked) {
          this.#seen[row] = this.#asked
          const similarity = this.#compare(own, page, row & IN_PAGE)
          if (similarity >= this.threshold) found.push({ position: row, similarity })
        }
        row = page.before[at]! - 1
      }
    }
    return found.length < 2 ? found : found.sort((a, b) => a.position - b.position)
  }

  /** Adds text `index` of the batch and returns its position. */
  add(batch: SketchBatch, index: number): number {
    const { bands } = this.banding
    const row = this.size++
    if ((row & IN_PAGE) === 0) this.#pages.push(newPage(bands))
    if (row >= this.#seen.length) this.#growTo(2 * row)
    const page = this.#pages[row >>> PAGE_BITS]!
    const own = batch.shingles.subarray(batch.offsets[index]!, batch.offsets[index + 1]!)
    this.#store(own, page, row & IN_PAGE)
    if (own.length === 0) return row
    page.bandKeys.set(batch.bandKeys.subarray(index * bands, (index + 1) * bands), (row & IN_PAGE) * bands)
    for (let band = 0; band < bands; band++) this.#link(row, band)
    return row
  }

  #compare(own: Float64Array, page: Page, at: number): number {
    const length = page.length[at]!
    // Sets whose sizes differ that much cannot be similar enough.
    if (Math.min(length, own.length) / Math.max(length, own.length) < this.threshold) return 0
    const start = page.start[at]!
    const common = countCommon(own, this.#chunks[page.chunk[at]!]!.subarray(start, start + length))
    return common / (own.length + length - common)
  }

  #store(own: Float64Array, page: Page, at: number): void {
    if (this.#chunks.length === 0 || this.#free + own.length > CHUNK) {
      this.#chunks.push(new Float64Array(Math.max(CHUNK, own.length)))
      this.#free = 0
    }
    const chunk = this.#chunks.length - 1
    this.#chunks[chunk]!.set(own, this.#free)
    page.chunk[at] = chunk
    page.start[at] = this.#free
    page.length[at] = own.length
    this.#free += own.length
  }

  #link(row: number, band: number): void {
    const page = this.#pages[row >>> PAGE_BITS]!
    const at = (row & IN_PAGE) * this.banding.bands + band
    const heads = this.#heads[band]!
    const bucket = page.bandKeys[at]! & (heads.length - 1)
    page.before[at] = heads[bucket]!
    heads[bucket] = row + 1
  }

  #growTo(rows: number): void {
    const seen = new Int32Array(rows)
    seen.set(this.#seen)
    this.#seen = seen
    const buckets = 2 ** Math.ceil(Math.log2(rows))
    for (let band = 0; band < this.banding.bands; band++) {
      this.#heads[band] = new Int32Array(buckets)
      for (let row = 0; row < this.size - 1; row++) {
        if (this.#pages[row >>> PAGE_BITS]!.length[row & IN_PAGE]! > 0) this.#link(row, band)
      }
    }
  }
}

function bandingOf({ banding, threshold = 0.7 }: NearDuplicateOptions): Banding {
  return banding ?? chooseBanding(threshold)
}

function newPage(bands: number): Page {
  return {
    bandKeys: new Uint32Array(PAGE * bands),
    before: new Int32Array(PAGE * bands),
    chunk: new Uint32Array(PAGE),
    start: new Uint32Array(PAGE),
    length: new Uint32Array(PAGE),
  }
}

function extended(shingles: Float64Array, used: number, needed: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * shingles.length + needed)
  larger.set(shingles.subarray(0, used))
  return larger
}

/** A sparse vector: ascending feature numbers and their values. */
export interface SparseVector {
  indices: Int32Array
  values: Float64Array
}

export interface CharTfidfOptions {
  /** Shortest n-gram, in characters. Default 2. */
  minimum?: number
  /** Longest n-gram, in characters. Default 5. */
  maximum?: number
  /** Damp repeated n-grams: 1 + ln(count) instead of the count. Default true. */
  sublinear?: boolean
  /**
   * Take n-grams of the whole text, over the ends of words, with every run of white space as one space: order counts for
   * more. Default false: n-grams stay within words.
   */
  acrossWords?: boolean
  /**
   * Count n-grams never seen into the length of a vector, as if no fitted text had them. Without it a text that shares one
   * n-gram with a small fitted set, and has many others, looks equal to that set's texts. Default false.
   */
  countUnseen?: boolean
}

/**
 * Character n-grams of each word of the lower-cased text, each word padded by one space on both sides;
 * a word shorter than n counts once, whole. Lengths are in code points.
 */
export function charNgrams(text: string, minimum: number, maximum: number): string[] {
  const grams: string[] = []
  for (const word of text.toLowerCase().split(/\s+/u)) {
    if (word === '') continue
    const padded = Array.from(` ${word} `)
    for (let n = minimum; n <= maximum; n++) {
      grams.push(padded.slice(0, n).join(''))
      for (let start = 1; start + n <= padded.length; start++)
        grams.push(padded.slice(start, start + n).join(''))
      if (padded.length <= n) break
    }
  }
  return grams
}

/** Character n-grams of the lower-cased text, each run of white space one space. Lengths are in code points. */
export function textNgrams(text: string, minimum: number, maximum: number): string[] {
  const characters = Array.from(text.toLowerCase().replace(/\s+/gu, ' '))
  const grams: string[] = []
  for (let n = minimum; n <= maximum; n++)
    for (let start = 0; start + n <= characters.length; start++)
      grams.push(characters.slice(start, start + n).join(''))
  return grams
}

/**
 * Turns texts into L2-normalised TF-IDF vectors over the character n-grams that were seen when it was made.
 *
 * Inverse document frequency is ln((1 + N) / (1 + df)) + 1 over the N fitted texts. The features and the weights are
 * those of scikit-learn's `TfidfVectorizer(analyzer='char_wb')`, with `acrossWords` those of `analyzer='char'`. N-grams never seen are no features (see `countUnseen`); a
 * text without any known n-gram becomes the empty vector. Source: Salton and Buckley 1988, "Term-weighting approaches
 * in automatic text retrieval".
 */
export class CharTfidf {
  readonly #minimum: number
  readonly #maximum: number
  readonly #sublinear: boolean
  readonly #grams: typeof charNgrams
  /** Inverse document frequency of an n-gram that was never seen, where those count; else null. */
  readonly #unseen: number | null
  readonly #features = new Map<string, number>()
  readonly #idf: Float64Array

  constructor(texts: readonly string[], options: CharTfidfOptions = {}) {
    this.#minimum = options.minimum ?? 2
    this.#maximum = options.maximum ?? 5
    this.#sublinear = options.sublinear ?? true
    this.#grams = options.acrossWords ? textNgrams : charNgrams
    this.#unseen = options.countUnseen ? Math.log(1 + texts.length) + 1 : null
    if (!(this.#minimum >= 1 && this.#minimum <= this.#maximum)) {
      throw new RangeError(
        `N-gram lengths must satisfy 1 <= minimum <= maximum, got ${this.#minimum} and ${this.#maximum}.`,
      )
    }
    const documents: number[] = []
    for (const text of texts) {
      for (const gram of new Set(this.#grams(text, this.#minimum, this.#maximum))) {
        const feature = this.#features.get(gram)
        if (feature === undefined) {
          this.#features.set(gram, documents.length)
          documents.push(1)
        } else documents[feature]! += 1
      }
    }
    this.#idf = Float64Array.from(documents, (df) => Math.log((1 + texts.length) / (1 + df)) + 1)
  }

  /** Number of features, the length of the dense vector. */
  get size(): number {
    return this.#idf.length
  }

  transform(text: string): SparseVector {
    const counts = new Map<number, number>()
    const unseen = new Map<string, number>()
    for (const gram of this.#grams(text, this.#minimum, this.#maximum)) {
      const feature = this.#features.get(gram)
      if (feature !== undefined) counts.set(feature, (counts.get(feature) ?? 0) + 1)
      else if (this.#unseen !== null) unseen.set(gram, (unseen.get(gram) ?? 0) + 1)
    }
    const indices = Int32Array.from(counts.keys()).sort()
    const weight = (count: number) => (this.#sublinear ? 1 + Math.log(count) : count)
    const values = Float64Array.from(indices, (feature) => weight(counts.get(feature)!) * this.#idf[feature]!)
    let squares = values.reduce((sum, value) => sum + value * value, 0)
    for (const count of unseen.values()) squares += (weight(count) * this.#unseen!) ** 2
    const norm = Math.sqrt(squares)
    if (norm > 0) for (let at = 0; at < values.length; at++) values[at]! /= norm
    return { indices, values }
  }
}

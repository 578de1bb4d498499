import { KeyTable } from './key-table.ts'
import { Postings } from './postings.ts'
import { countCommon, distinctShingles, positionIn, sortDistinct } from './shingles.ts'
import { WordHasher } from './word-hashes.ts'

/** The ways in which a text can overlap an item. */
export const OVERLAP_RUNGS = ['equal', 'shared-ngram', 'containment', 'near-copy', 'embedded'] as const
export type OverlapRung = (typeof OVERLAP_RUNGS)[number]

export interface OverlapOptions {
  /** The rungs to use. Default: all. */
  rungs?: readonly OverlapRung[]
  /** One shared n-gram of this many words is an overlap. Default 13. */
  sharedWords?: number
  /** Words of the n-grams whose containment is measured. Default 8. */
  containmentWords?: number
  /** Share of an item's n-grams that a text must contain. Default 0.7. */
  containment?: number
  /** Word-bigram Jaccard similarity of a near copy. Default 0.8. */
  nearCopy?: number
  /** Share of an item's word bigrams that a passage of about its length must contain. Default 0.9. */
  embedded?: number
  /** Words that an item needs to be looked for as a sentence of another text. Default 5. */
  embeddedWords?: number
}

const DEFAULTS: Required<OverlapOptions> = {
  rungs: OVERLAP_RUNGS,
  sharedWords: 13,
  containmentWords: 8,
  containment: 0.7,
  nearCopy: 0.8,
  embedded: 0.9,
  embeddedWords: 5,
}

/** A passage may be that much longer than the item that is embedded in it. */
const PASSAGE = 1.25

/** An item that a text overlaps. */
export interface Overlap {
  /** Number of the item, in the order given. */
  position: number
  /** Every rung that fired, at least one. */
  rungs: OverlapRung[]
  /** The highest containment or similarity that a rung measured; 1 for equal texts, null where they only share an n-gram. */
  share: number | null
}

interface Item {
  words: number
  /** Distinct word bigrams, ascending. */
  shingles: Float64Array
  /** Number of distinct n-grams of `containmentWords`. */
  ngrams: number
}

/**
 * Screens texts against a fixed set of items, for example training rows against evaluation questions.
 *
 * A text overlaps an item when
 * - `equal`: their normalised forms are equal;
 * - `shared-ngram`: they share 13 words in a row (Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C);
 * - `containment`: the text holds 70 % of the item's distinct 8-grams (Chowdhery et al. 2022, "PaLM", section 8);
 * - `near-copy`: the Jaccard similarity of their word bigrams is 0.8 or more (Broder 1997);
 * - `embedded`: a passage of about the item's length holds 90 % of its word bigrams: |A ∩ B| / |A| (Broder 1997), measured
 *   in a window, because a long text holds the bigrams of a short question somewhere. An item of 5 to 7 words must be
 *   there whole, between the ends of sentences or clauses: "how do I link a new card" is part of many other questions.
 *
 * Nothing that fulfils a rung is missed: all is exact on 53-bit keys (see word-hashes.ts). A text that is a near copy or
 * embeds an item has one of the item's rarest bigrams, so only those are indexed (prefix filtering: Bayardo, Ma and
 * Srikant 2007, "Scaling up all pairs similarity search"). MinHash would cost more here and lose recall.
 *
 * Leave out of both sides what all of them share (a system prompt, a template): it would match everything.
 */
export class OverlapIndex {
  readonly options: Readonly<Required<OverlapOptions>>
  readonly #items: Item[] = []
  readonly #byText = new Postings()
  readonly #byShared = new Postings()
  readonly #byContained = new Postings()
  readonly #byShingle = new Postings()
  readonly #bySentence = new Postings()
  readonly #hasher = new WordHasher()
  readonly #hits: Hits
  #ngrams = new Float64Array(512)
  #shingles = new Float64Array(512)

  constructor(texts: readonly string[], options: OverlapOptions = {}) {
    this.options = { ...DEFAULTS, ...options }
    for (const share of ['containment', 'nearCopy', 'embedded'] as const) {
      const value = this.options[share]
      if (!(value > 0 && value <= 1)) {
        throw new RangeError(`The threshold '${share}' must be above 0 and at most 1, got ${value}.`)
      }
    }
    if (this.options.containmentWords > this.options.sharedWords) {
      throw new RangeError('The n-grams of containment must not be longer than shared ones.')
    }
    for (const length of ['sharedWords', 'containmentWords', 'embeddedWords'] as const) {
      const value = this.options[length]
      if (!Number.isInteger(value) || value < 2) {
        throw new RangeError(`The length '${length}' must be a whole number from 2, got ${value}.`)
      }
    }
    for (const text of texts) this.#add(text)
    this.#indexRareShingles()
    this.#hits = new Hits(texts.length)
  }

  /** Number of items. */
  get size(): number {
    return this.#items.length
  }

  /** Number of words of an item. */
  wordsOf(position: number): number {
    return this.#items[position]!.words
  }

  /** Words that an item needs for a rung. */
  wordsNeeded(rung: OverlapRung): number {
    const { sharedWords, containmentWords, embeddedWords } = this.options
    if (rung === 'shared-ngram') return sharedWords
    if (rung === 'containment') return containmentWords
    return rung === 'embedded' ? embeddedWords : rung === 'near-copy' ? 2 : 1
  }

  /** Finds every item that `text` overlaps, in the order of the items. */
  match(text: string): Overlap[] {
    const { rungs } = this.options
    this.#read(text)
    this.#hits.clear()
    if (rungs.includes('equal')) this.#matchEqual()
    // A shared long n-gram always brings a shared short one with it.
    if (this.#sharesNgram()) {
      if (rungs.includes('shared-ngram')) this.#matchShared()
      if (rungs.includes('containment')) this.#matchContained()
    }
    if (rungs.includes('embedded')) this.#matchSentences()
    if (rungs.includes('near-copy') || rungs.includes('embedded')) this.#matchShingles()
    return this.#hits.list()
  }

  #read(text: string): void {
    this.#hasher.read(text)
    const { count } = this.#hasher
    if (this.#ngrams.length >= count) return
    this.#ngrams = new Float64Array(2 * count)
    this.#shingles = new Float64Array(2 * count)
  }

  #add(text: string): void {
    this.#read(text)
    const hasher = this.#hasher
    const { sharedWords, containmentWords } = this.options
    const position = this.#items.length
    this.#byText.add(hasher.key, position)
    const shared = this.#distinct(sharedWords)
    for (let at = 0; at < shared; at++) this.#byShared.add(this.#ngrams[at]!, position)
    const ngrams = this.#distinct(containmentWords)
    for (let at = 0; at < ngrams; at++) this.#byContained.add(this.#ngrams[at]!, position)
    const shingles = this.#shingles.slice(0, distinctShingles(hasher, this.#shingles))
    const { count } = hasher
    if (count >= this.options.embeddedWords && count < containmentWords) {
      this.#bySentence.add(hasher.ngramAt(0, count), position)
    }
    this.#items.push({ words: hasher.count, shingles, ngrams })
  }

  #distinct(n: number): number {
    return sortDistinct(this.#ngrams, this.#hasher.ngrams(n, this.#ngrams))
  }

  /** Indexes as many of an item's rarest shingles as any text that holds enough of them must have one of. */
  #indexRareShingles(): void {
    const holders = new KeyTable()
    for (const { shingles } of this.#items) {
      for (const shingle of shingles) holders.set(shingle, Math.max(0, holders.get(shingle)) + 1)
    }
    const least = Math.min(this.options.nearCopy, this.options.embedded)
    for (const [position, { words, shingles }] of this.#items.entries()) {
      if (words < 2) continue
      const counts = Uint32Array.from(shingles, (shingle) => holders.get(shingle))
      const rarest = Array.from(shingles.keys()).sort((a, b) => counts[a]! - counts[b]! || a - b)
      const needed = Math.ceil(least * shingles.length - 1e-9)
      for (const at of rarest.slice(0, shingles.length - needed + 1)) {
        this.#byShingle.add(shingles[at]!, position)
      }
    }
  }

  #matchEqual(): void {
    const { key } = this.#hasher
    for (let link = this.#byText.first(key); link !== -1; link = this.#byText.next(link)) {
      this.#hits.add(this.#byText.value(link), 'equal', 1)
    }
  }

  /** Whether the text holds an n-gram of an item of the length that containment is measured by. */
  #sharesNgram(): boolean {
    const count = this.#hasher.ngrams(this.options.containmentWords, this.#ngrams)
    for (let at = 0; at < count; at++) if (this.#byContained.first(this.#ngrams[at]!) !== -1) return true
    return false
  }

  #matchShared(): void {
    const count = this.#hasher.ngrams(this.options.sharedWords, this.#ngrams)
    for (let at = 0; at < count; at++) {
      const key = this.#ngrams[at]!
      for (let link = this.#byShared.first(key); link !== -1; link = this.#byShared.next(link)) {
        this.#hits.add(this.#byShared.value(link), 'shared-ngram', 0)
      }
    }
  }

  #matchContained(): void {
    const count = this.#distinct(this.options.containmentWords)
    const overlaps = new Map<number, number>()
    for (let at = 0; at < count; at++) {
      const key = this.#ngrams[at]!
      for (let link = this.#byContained.first(key); link !== -1; link = this.#byContained.next(link)) {
        const position = this.#byContained.value(link)
        overlaps.set(position, (overlaps.get(position) ?? 0) + 1)
      }
    }
    for (const [position, overlap] of overlaps) {
      const share = overlap / this.#items[position]!.ngrams
      if (share >= this.options.containment) this.#hits.add(position, 'containment', share)
    }
  }

  #matchSentences(): void {
    const hasher = this.#hasher
    const { embeddedWords, containmentWords } = this.options
    for (let start = 0; start + embeddedWords <= hasher.count; start++) {
      if (!hasher.breaksAt(start)) continue
      for (let n = embeddedWords; n < containmentWords && start + n <= hasher.count; n++) {
        if (!hasher.breaksAt(start + n)) continue
        const key = hasher.ngramAt(start, n)
        for (let link = this.#bySentence.first(key); link !== -1; link = this.#bySentence.next(link)) {
          const position = this.#bySentence.value(link)
          if (this.#items[position]!.words === n) this.#hits.add(position, 'embedded', 1)
        }
      }
    }
  }

  #matchShingles(): void {
    // In the text's order, for passages; then sorted, for sets.
    const { count } = this.#hasher
    if (count < 2) return
    const length = this.#hasher.ngrams(2, this.#ngrams)
    const ordered = this.#ngrams.subarray(0, length)
    let sorted: Float64Array | null = null
    let tried: Set<number> | null = null
    for (const shingle of ordered) {
      for (let link = this.#byShingle.first(shingle); link !== -1; link = this.#byShingle.next(link)) {
        const position = this.#byShingle.value(link)
        tried ??= new Set()
        if (tried.has(position)) continue
        tried.add(position)
        sorted ??= this.#shingles.subarray(0, distinctShingles(this.#hasher, this.#shingles))
        this.#compare(position, ordered, sorted)
      }
    }
  }

  #compare(position: number, ordered: Float64Array, sorted: Float64Array): void {
    const { rungs, nearCopy, embedded, containmentWords } = this.options
    const { words, shingles } = this.#items[position]!
    const common = countCommon(shingles, sorted)
    const similarity = common / (shingles.length + sorted.length - common)
    if (rungs.includes('near-copy') && similarity >= nearCopy) {
      this.#hits.add(position, 'near-copy', similarity)
    }
    if (!rungs.includes('embedded') || words < containmentWords || common / shingles.length < embedded) return
    const share = fullestPassage(shingles, ordered, Math.ceil(PASSAGE * (words - 1))) / shingles.length
    if (share >= embedded) this.#hits.add(position, 'embedded', share)
  }
}

/** The most distinct shingles of an item that `length` shingles of a text in a row hold. */
function fullestPassage(item: Float64Array, ordered: Float64Array, length: number): number {
  const held = new Uint16Array(item.length)
  let [distinct, fullest] = [0, 0]
  const places = Int32Array.from(ordered, (shingle) => positionIn(item, shingle))
  for (const [at, place] of places.entries()) {
    if (place !== -1) {
      if (held[place] === 0) distinct++
      held[place]!++
    }
    const gone = places[at - length] ?? -1
    if (gone !== -1) {
      held[gone]!--
      if (held[gone] === 0) distinct--
    }
    if (distinct > fullest) fullest = distinct
  }
  return fullest
}

/** What the rungs found for one text; made once, cleared for each. */
class Hits {
  readonly #rungs: Uint8Array
  readonly #shares: Float64Array
  readonly #found: number[] = []

  constructor(items: number) {
    this.#rungs = new Uint8Array(items)
    this.#shares = new Float64Array(items)
  }

  clear(): void {
    for (const position of this.#found) {
      this.#rungs[position] = 0
      this.#shares[position] = 0
    }
    this.#found.length = 0
  }

  add(position: number, rung: OverlapRung, share: number): void {
    if (this.#rungs[position] === 0) this.#found.push(position)
    this.#rungs[position]! |= 1 << OVERLAP_RUNGS.indexOf(rung)
    if (share > this.#shares[position]!) this.#shares[position] = share
  }

  list(): Overlap[] {
    this.#found.sort((a, b) => a - b)
    return this.#found.map((position) => ({
      position,
      rungs: OVERLAP_RUNGS.filter((_, bit) => (this.#rungs[position]! & (1 << bit)) !== 0),
      share: this.#shares[position]! || null,
    }))
  }
}

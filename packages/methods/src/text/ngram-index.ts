import { normalizeText } from './normalize.ts'
import { ngramsOf, words } from './words.ts'

export interface NgramIndexOptions {
  /** One shared n-gram of this many words is a match. Default 13. */
  shared?: number
  /** Length in words of the n-grams whose containment is measured; at most `shared`. Default 8. */
  containment?: number
  /** Share of an item's n-grams that a text must contain to match. Default 0.7. */
  threshold?: number
}

/** The ways in which a text can match an item. */
export type NgramRung = 'equal' | 'shared-ngram' | 'containment'

export interface NgramMatch {
  /** Id of the item that the text matches. */
  id: string
  /** Every rung that fired, at least one. */
  rungs: NgramRung[]
  /** Share of the item's distinct n-grams that the text contains, 0 to 1; null for an item too short to have any. */
  containment: number | null
  /** The item's first long n-gram that the text contains; null when there is none. */
  sharedNgram: string | null
}

/** Which items a rung can never catch, because they are too short for it. */
export interface NgramCoverage {
  rung: NgramRung
  /** Words that an item needs. */
  words: number
  covered: number
  tooShort: string[]
}

interface Indexed {
  id: string
  words: string[]
  distinct: number
}

/**
 * Screens texts against a fixed set of items by word n-grams, for example training rows against evaluation items.
 *
 * A text matches an item when their normalised forms are equal, when they share an n-gram of `shared` words
 * (13: Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C), or when the text contains at least
 * `threshold` of the item's distinct n-grams of `containment` words (8 words at 70 %: Chowdhery et al. 2022, "PaLM",
 * section 8). Containment is Broder's (1997) |A ∩ B| / |A| with the item as A, so an item that is embedded in a long
 * text is found too.
 *
 * Leave out of both sides what all of them share (a system prompt, a template): it would match everything.
 */
export class NgramIndex {
  readonly #shared: number
  readonly #containment: number
  readonly #threshold: number
  readonly #items: Indexed[] = []
  readonly #byText = new Map<string, number[]>()
  readonly #byGram = new Map<string, number[]>()

  constructor(items: Iterable<{ id: string; text: string }>, options: NgramIndexOptions = {}) {
    this.#shared = options.shared ?? 13
    this.#containment = options.containment ?? 8
    this.#threshold = options.threshold ?? 0.7
    if (this.#containment > this.#shared) {
      throw new RangeError(
        `Containment n-grams (${this.#containment} words) must not be longer than shared ones (${this.#shared}).`,
      )
    }
    if (!(this.#threshold > 0 && this.#threshold <= 1)) {
      throw new RangeError(`The containment threshold must be above 0 and at most 1, got ${this.#threshold}.`)
    }
    for (const item of items) this.#add(item.id, item.text)
  }

  /** Number of items. */
  get size(): number {
    return this.#items.length
  }

  /** Finds every item that `text` matches, in the order in which the items were given. */
  match(text: string): NgramMatch[] {
    const list = words(text)
    const overlap = new Map<number, number>()
    for (const gram of new Set(ngramsOf(list, this.#containment))) {
      for (const item of this.#byGram.get(gram) ?? []) overlap.set(item, (overlap.get(item) ?? 0) + 1)
    }
    const equal = new Set(this.#byText.get(normalizeText(text)))
    // A shared long n-gram always brings a shared short one with it, so only these items can match.
    const candidates = [...new Set([...overlap.keys(), ...equal])].sort((left, right) => left - right)
    const long = overlap.size > 0 ? new Set(ngramsOf(list, this.#shared)) : new Set<string>()
    const matches: NgramMatch[] = []
    for (const index of candidates) {
      const item = this.#items[index]!
      const containment = item.distinct === 0 ? null : (overlap.get(index) ?? 0) / item.distinct
      const sharedNgram =
        long.size === 0 ? null : (ngramsOf(item.words, this.#shared).find((gram) => long.has(gram)) ?? null)
      const rungs: NgramRung[] = []
      if (equal.has(index)) rungs.push('equal')
      if (sharedNgram !== null) rungs.push('shared-ngram')
      if (containment !== null && containment >= this.#threshold) rungs.push('containment')
      if (rungs.length > 0) matches.push({ id: item.id, rungs, containment, sharedNgram })
    }
    return matches
  }

  /** Says for each rung how many items it covers and which ones are too short for it. */
  coverage(): NgramCoverage[] {
    const needs: [NgramRung, number][] = [
      ['equal', 1],
      ['shared-ngram', this.#shared],
      ['containment', this.#containment],
    ]
    return needs.map(([rung, needed]) => {
      const tooShort = this.#items.filter((item) => item.words.length < needed).map((item) => item.id)
      return { rung, words: needed, covered: this.#items.length - tooShort.length, tooShort }
    })
  }

  #add(id: string, text: string): void {
    const list = words(text)
    const index = this.#items.length
    const grams = new Set(ngramsOf(list, this.#containment))
    this.#items.push({ id, words: list, distinct: grams.size })
    if (list.length === 0) return
    append(this.#byText, normalizeText(text), index)
    for (const gram of grams) append(this.#byGram, gram, index)
  }
}

function append(postings: Map<string, number[]>, key: string, index: number): void {
  const found = postings.get(key)
  if (found) found.push(index)
  else postings.set(key, [index])
}

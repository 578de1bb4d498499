// Words as hashes: what duplicates and overlaps are found by at scale, where a string per word would cost too much.
// A word is two independent 32-bit hashes; an n-gram is a polynomial of its words' hashes in each of the two, mixed and
// put together as one number of 53 bits, which a double holds exactly. Two different n-grams get the same number with a
// probability of 2^-53 (1.1e-16): for two texts of 60 words, 3,600 comparisons, about 4e-13.
import { normalizeText } from './normalize.ts'
import { splitNormalized } from './words.ts'

const SPACE = 0x20
/** What an ASCII character becomes in `normalizeText`: its lower case, a space, or (symbols) itself. */
const FOLDED = Uint8Array.from({ length: 128 }, (_, code) => {
  return normalizeText(String.fromCharCode(code)).charCodeAt(0) || SPACE
})
/** 1 for the folded ASCII characters of which words are made. */
const IN_WORD = Uint8Array.from({ length: 128 }, (_, code) =>
  /[a-z0-9]/.test(String.fromCharCode(code)) ? 1 : 0,
)
const SYMBOLS = /\p{S}+/gu
/** 1 for ASCII characters that end a sentence, a clause or a line, or open or close a quotation. */
const BREAKS = Uint8Array.from({ length: 128 }, (_, code) =>
  '.?!:;,\n\r"()'.includes(String.fromCharCode(code)) ? 1 : 0,
)
/** The same in any script, and the place before a capitalised word: people leave out the full stop. */
const ANY_BREAK = /[.?!:;,\n\r"()–—“-‟…。？！：；，、「」『』（）]+|(?<=[\p{P}\p{Z}\p{S}\s])(?=\p{Lu}\p{Ll})/u

const PRIME_LOW = 0x01000193
const PRIME_HIGH = 0x5bd1e995
const START_LOW = 0x811c9dc5 | 0
const START_HIGH = 0x3c6ef372
/** Odd, so that a difference in one word is never multiplied away. */
const BASE_LOW = 0x2c1b3c6d
const BASE_HIGH = 0x297a2d39

/**
 * Reads a text into the hashes of its normalised words; made once, used for many texts.
 *
 * The words are those of `words`, except that currency and mathematical symbols separate words here: "£1" and "€1" have
 * the same n-grams, and only `key` tells them apart.
 */
export class WordHasher {
  /** Number of words of the text that was read last. */
  count = 0
  /** Hash of its normalised form, 53 bits; of the text as it is where nothing is left of it (an emoji, "?!"). */
  key = 0
  #low = new Int32Array(256)
  #high = new Int32Array(256)
  #breaks = new Uint8Array(257)

  read(text: string): void {
    if (this.#readPlain(text)) return
    const normalized = normalizeText(text)
    this.#count(text)
    this.key = keyOf(normalized === '' ? `\0${text}` : normalized)
  }

  /**
   * Writes the keys of the text's n-grams to `target`, in order and with repetitions, and returns their number,
   * `count - n + 1` or 0.
   */
  ngrams(n: number, target: Float64Array): number {
    const grams = this.count - n + 1
    if (grams <= 0) return 0
    const [low, high] = [this.#low, this.#high]
    let [leadLow, leadHigh, sumLow, sumHigh] = [1, 1, 0, 0]
    for (let at = 0; at < n; at++) {
      if (at > 0) leadLow = Math.imul(leadLow, BASE_LOW)
      if (at > 0) leadHigh = Math.imul(leadHigh, BASE_HIGH)
      sumLow = (Math.imul(sumLow, BASE_LOW) + low[at]!) | 0
      sumHigh = (Math.imul(sumHigh, BASE_HIGH) + high[at]!) | 0
    }
    target[0] = joinLanes(mix(sumLow), mix(sumHigh))
    for (let start = 1; start < grams; start++) {
      const before = start - 1
      const added = before + n
      sumLow = (Math.imul(sumLow - Math.imul(low[before]!, leadLow), BASE_LOW) + low[added]!) | 0
      sumHigh = (Math.imul(sumHigh - Math.imul(high[before]!, leadHigh), BASE_HIGH) + high[added]!) | 0
      target[start] = joinLanes(mix(sumLow), mix(sumHigh))
    }
    return grams
  }

  /** Whether a sentence or a clause begins at a word, or (for `count`) the text ends there. */
  breaksAt(position: number): boolean {
    return position === 0 || position === this.count || this.#breaks[position] === 1
  }

  /** The key of the n words from `start` on, as `ngrams` gives it. */
  ngramAt(start: number, n: number): number {
    let [sumLow, sumHigh] = [0, 0]
    for (let at = start; at < start + n; at++) {
      sumLow = (Math.imul(sumLow, BASE_LOW) + this.#low[at]!) | 0
      sumHigh = (Math.imul(sumHigh, BASE_HIGH) + this.#high[at]!) | 0
    }
    return joinLanes(mix(sumLow), mix(sumHigh))
  }

  /** The quick way for ASCII and common typographic punctuation: one pass, no strings. False for any other text. */
  #readPlain(text: string): boolean {
    this.count = 0
    let textLow = START_LOW
    let textHigh = START_HIGH
    let wordLow = START_LOW
    let wordHigh = START_HIGH
    let inWord = false
    let inText = false
    let gap = false
    let broken = 0
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      let folded = SPACE
      if (code < 128) folded = FOLDED[code]!
      else if (!isPlainPunctuation(code)) return false
      if (folded === SPACE) {
        gap = true
        if (code < 128 ? BREAKS[code] === 1 : isBreakingPunctuation(code)) broken = 1
      } else {
        if (gap && inText) {
          textLow = Math.imul(textLow ^ SPACE, PRIME_LOW)
          textHigh = Math.imul(textHigh ^ SPACE, PRIME_HIGH)
        }
        gap = false
        inText = true
        textLow = Math.imul(textLow ^ folded, PRIME_LOW)
        textHigh = Math.imul(textHigh ^ folded, PRIME_HIGH)
        if (IN_WORD[folded] === 1) {
          if (!inWord) {
            this.#breaks[this.count] = broken
            if (folded !== code && isLowerCase(text.charCodeAt(at + 1))) this.#breaks[this.count] = 1
            broken = 0
          }
          inWord = true
          wordLow = Math.imul(wordLow ^ folded, PRIME_LOW)
          wordHigh = Math.imul(wordHigh ^ folded, PRIME_HIGH)
          continue
        }
      }
      if (inWord) this.#push(wordLow, wordHigh)
      inWord = false
      wordLow = START_LOW
      wordHigh = START_HIGH
    }
    if (inWord) this.#push(wordLow, wordHigh)
    this.key = inText ? joinLanes(mix(textLow), mix(textHigh)) : keyOf(`\0${text}`)
    return true
  }

  #count(text: string): void {
    this.count = 0
    for (const part of text.split(ANY_BREAK)) {
      let broken = 1
      for (const word of splitNormalized(normalizeText(part).replace(SYMBOLS, ' '))) {
        let [low, high] = [START_LOW, START_HIGH]
        for (let at = 0; at < word.length; at++) {
          low = Math.imul(low ^ word.charCodeAt(at), PRIME_LOW)
          high = Math.imul(high ^ word.charCodeAt(at), PRIME_HIGH)
        }
        this.#breaks[this.count] = broken
        this.#push(low, high)
        broken = 0
      }
    }
  }

  #push(low: number, high: number): void {
    if (this.count === this.#low.length) {
      this.#low = doubled(this.#low)
      this.#high = doubled(this.#high)
      const breaks = new Uint8Array(2 * this.#breaks.length)
      breaks.set(this.#breaks)
      this.#breaks = breaks
    }
    this.#low[this.count] = mix(low)
    this.#high[this.count] = mix(high)
    this.count++
  }
}

/** No-break space, dashes, quotation marks, bullets and dots: spaces in `normalizeText`. U+2017 decomposes differently. */
function isPlainPunctuation(code: number): boolean {
  return code === 0xa0 || (code >= 0x2010 && code <= 0x2027 && code !== 0x2017)
}

/** Dashes, double quotation marks and the ellipsis, as in ANY_BREAK. */
function isBreakingPunctuation(code: number): boolean {
  return code === 0x2013 || code === 0x2014 || (code >= 0x201c && code <= 0x201f) || code === 0x2026
}

function isLowerCase(code: number): boolean {
  return code >= 0x61 && code <= 0x7a
}

function keyOf(text: string): number {
  let [low, high] = [START_LOW, START_HIGH]
  for (let at = 0; at < text.length; at++) {
    low = Math.imul(low ^ text.charCodeAt(at), PRIME_LOW)
    high = Math.imul(high ^ text.charCodeAt(at), PRIME_HIGH)
  }
  return joinLanes(mix(low), mix(high))
}

/** The finalizer of MurmurHash3 (Appleby 2011): each bit of the input changes each bit of the output half of the time. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

function joinLanes(low: number, high: number): number {
  return (high >>> 11) * 0x100000000 + (low >>> 0)
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}

import { normalizeText } from './normalize.ts'

// Scripts written without spaces: each character (with its marks) counts as a word. Dictionary segmentation would
// depend on the ICU version of the running Node, and so would every n-gram.
const WORD =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]\p{M}*|[^\s\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]+/gu

/**
 * Splits a text into its normalised words, in order (see `normalizeText`).
 * In scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each character is a word.
 */
export function words(text: string): string[] {
  return splitNormalized(normalizeText(text))
}

/** Splits a text that is normalised already, as `words` does. */
export function splitNormalized(normalized: string): string[] {
  return normalized.match(WORD) ?? []
}

/**
 * Lists the n-grams of a text's normalised words, each joined by single spaces, in order and with repetitions.
 * A text of fewer than n words has none. Throws a RangeError unless n is a positive integer.
 */
export function wordNgrams(text: string, n: number): string[] {
  return ngramsOf(words(text), n)
}

/** Lists the n-grams of a list of words, as `wordNgrams` does for a text. */
export function ngramsOf(list: readonly string[], n: number): string[] {
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`The n of an n-gram must be a positive integer, got ${n}.`)
  const grams: string[] = []
  for (let start = 0; start + n <= list.length; start++) grams.push(list.slice(start, start + n).join(' '))
  return grams
}

/** Finds the first n-gram of `text` that `other` contains too, or null. */
export function sharedNgram(text: string, other: string, n: number): string | null {
  const known = new Set(wordNgrams(other, n))
  return wordNgrams(text, n).find((gram) => known.has(gram)) ?? null
}

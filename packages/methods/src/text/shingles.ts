import { WordHasher } from './word-hashes.ts'

/** Words of a shingle: word bigrams. */
const SHINGLE = 2

/** What duplicates are found by: hashes of a text, no text. */
export interface Shingled {
  /** Hash of the normalised text. */
  key: number
  /** Keys of its distinct word bigrams, ascending; none for a text of one word, which only an equal text repeats. */
  shingles: Float64Array
}

/** Makes a function that takes the shingles of texts; the arrays it returns are its caller's. */
export function shingler(): (text: string) => Shingled {
  const hasher = new WordHasher()
  let buffer = new Float64Array(256)
  return (text) => {
    hasher.read(text)
    if (buffer.length < hasher.count) buffer = new Float64Array(2 * hasher.count)
    return { key: hasher.key, shingles: buffer.slice(0, distinctShingles(hasher, buffer)) }
  }
}

/** Writes the distinct shingles of the text that `hasher` has read to `target`, ascending, and returns their number. */
export function distinctShingles(hasher: WordHasher, target: Float64Array): number {
  return sortDistinct(target, hasher.ngrams(SHINGLE, target))
}

/** Sorts the first `count` numbers and moves repetitions out; returns how many distinct ones there are. */
export function sortDistinct(numbers: Float64Array, count: number): number {
  if (count > INSERTION_SORTED) numbers.subarray(0, count).sort()
  else sortByInsertion(numbers, count)
  let distinct = 0
  for (let at = 0; at < count; at++) {
    const number = numbers[at]!
    if (distinct === 0 || numbers[distinct - 1] !== number) numbers[distinct++] = number
  }
  return distinct
}

/** Up to here insertion is faster than a call of the built-in sort. */
const INSERTION_SORTED = 80

function sortByInsertion(numbers: Float64Array, count: number): void {
  for (let at = 1; at < count; at++) {
    const number = numbers[at]!
    let before = at - 1
    while (before >= 0 && numbers[before]! > number) {
      numbers[before + 1] = numbers[before]!
      before--
    }
    numbers[before + 1] = number
  }
}

/** Counts what two ascending lists of distinct numbers have in common. */
export function countCommon(left: Float64Array, right: Float64Array): number {
  if (left.length > right.length) return countCommon(right, left)
  if (left.length * 12 < right.length) return countBySearch(left, right)
  let common = 0
  let atLeft = 0
  let atRight = 0
  while (atLeft < left.length && atRight < right.length) {
    const a = left[atLeft]!
    const b = right[atRight]!
    if (a === b) common++
    if (a <= b) atLeft++
    if (b <= a) atRight++
  }
  return common
}

function countBySearch(short: Float64Array, long: Float64Array): number {
  let common = 0
  for (const wanted of short) if (positionIn(long, wanted) !== -1) common++
  return common
}

/** Where a number stands in an ascending list, or -1. */
export function positionIn(list: Float64Array, wanted: number): number {
  let [from, to] = [0, list.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (list[middle]! < wanted) from = middle + 1
    else to = middle
  }
  return list[from] === wanted ? from : -1
}

/**
 * The share of two texts' distinct shingles that both have, 0 to 1; 0 when neither has any.
 * Source: Broder 1997, "On the resemblance and containment of documents".
 */
export function jaccard(left: Float64Array, right: Float64Array): number {
  const common = countCommon(left, right)
  const union = left.length + right.length - common
  return union === 0 ? 0 : common / union
}

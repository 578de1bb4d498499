/**
 * Byte-level byte-pair encoding: the most frequent pair of neighbours becomes a token, again and again.
 * Sennrich, Haddow & Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016).
 *
 * Words are counted once; a merge touches only the words that contain its pair. Ties go to the pair with the
 * smaller token ids, as in Hugging Face's trainer, so equal text gives equal merges.
 */
import { EngineError } from '../errors.ts'
import { BYTE_CHARACTERS } from './byte-alphabet.ts'
import {
  BYTE_LEVEL_DECODER,
  DIGITS_AND_GPT2_WORDS,
  specialToken,
  type TokenizerJson,
} from './tokenizer-json.ts'

/** A pair seen once says nothing about the language. */
const MIN_PAIR_COUNT = 2
/** Pairs are numbered left · 2^20 + right, exact in a double. */
const PAIR_BASE = 2 ** 20

export interface TrainBpeOptions {
  /** Tokens in all: special tokens, 256 bytes and merges. */
  vocabSize: number
  /** Take the first ids in this order; they are never split, nor learnt from. */
  specialTokens: readonly string[]
}

/**
 * Learns a byte-level BPE tokenizer and returns it as the object of a tokenizer.json.
 *
 * Digits stand alone, other text is cut by GPT-2's pattern, and no merge crosses a cut. The vocabulary stays
 * smaller than asked when no pair occurs twice any more. Throws `invalid-input` when `vocabSize` has no room
 * for the bytes and the special tokens, or exceeds 2^20.
 */
export function trainBpe(texts: Iterable<string>, options: TrainBpeOptions): TokenizerJson {
  const { vocabSize, specialTokens } = options
  const smallest = specialTokens.length + 256
  if (vocabSize < smallest || vocabSize > PAIR_BASE) {
    throw new EngineError(
      'invalid-input',
      `A vocabulary of ${vocabSize} does not lie between ${smallest} (bytes and special tokens) and ${PAIR_BASE}`,
    )
  }
  const tokens = [...specialTokens, ...[...BYTE_CHARACTERS].sort()]
  if (new Set(tokens).size !== smallest) {
    throw new EngineError('invalid-input', 'A special token is empty, a single character or named twice')
  }
  const byteIds = BYTE_CHARACTERS.map((character) => tokens.indexOf(character, specialTokens.length))
  const words = new WordTable(countWords(texts, specialTokens), byteIds)
  const merges = learnMerges(words, tokens, vocabSize)

  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => specialToken(id, content)),
    normalizer: null,
    pre_tokenizer: DIGITS_AND_GPT2_WORDS,
    post_processor: null,
    decoder: BYTE_LEVEL_DECODER,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  }
}

/** GPT-2's words; White_Space rather than \s, which in JavaScript has U+FEFF and lacks U+0085. */
const GPT2_WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu
const DIGIT = /(\p{N})/u

function countWords(texts: Iterable<string>, specialTokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  const special = specialTokens.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
  for (const text of texts) {
    for (const section of special ? text.split(new RegExp(special)) : [text]) {
      for (const piece of section.split(DIGIT)) {
        for (const word of piece.match(GPT2_WORD) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1)
      }
    }
  }
  return counts
}

/** Distinct words as runs of token ids in one array; a merge shortens a run in place. */
class WordTable {
  readonly counts: Int32Array
  readonly starts: Int32Array
  readonly lengths: Int32Array
  readonly ids: Int32Array

  constructor(words: Map<string, number>, byteIds: readonly number[]) {
    const encoded = [...words.keys()].map((word) => Buffer.from(word))
    this.counts = Int32Array.from(words.values())
    this.lengths = Int32Array.from(encoded, (bytes) => bytes.length)
    this.starts = new Int32Array(encoded.length)
    this.ids = new Int32Array(encoded.reduce((sum, bytes) => sum + bytes.length, 0))
    let position = 0
    for (const [index, bytes] of encoded.entries()) {
      this.starts[index] = position
      for (const byte of bytes) this.ids[position++] = byteIds[byte]!
    }
  }
}

/** Appends the new tokens to `tokens` and returns the merges that make them. */
function learnMerges(words: WordTable, tokens: string[], vocabSize: number): string[] {
  const known = new Map(tokens.map((token, id) => [token, id]))
  const pairs = new PairCounts()
  for (const [word, count] of words.counts.entries()) {
    const last = words.starts[word]! + words.lengths[word]! - 1
    for (let i = words.starts[word]!; i < last; i++) pairs.add(words.ids[i]!, words.ids[i + 1]!, count, word)
  }
  pairs.enqueueGrown()

  const merges: string[] = []
  while (tokens.length < vocabSize) {
    const pair = pairs.takeMostFrequent()
    if (pair === null) break
    const left = Math.floor(pair / PAIR_BASE)
    const right = pair % PAIR_BASE
    const text = tokens[left]! + tokens[right]!
    // Two pairs can spell the same token: both are merges, but it is one entry of the vocabulary.
    const merged = known.get(text) ?? tokens.length
    if (merged === tokens.length) {
      tokens.push(text)
      known.set(text, merged)
    }
    merges.push(`${tokens[left]} ${tokens[right]}`)
    for (const word of pairs.takePlaces(pair)) mergeWord(words, word, left, right, merged, pairs)
    pairs.enqueueGrown()
  }
  return merges
}

/** Replaces the pair wherever it occurs in a word, from left to right, and corrects the counts around it. */
function mergeWord(
  words: WordTable,
  word: number,
  left: number,
  right: number,
  merged: number,
  pairs: PairCounts,
): void {
  const { ids } = words
  const count = words.counts[word]!
  const start = words.starts[word]!
  const end = start + words.lengths[word]!
  let target = start
  for (let i = start; i < end; i++) {
    if (ids[i] !== left || i + 1 >= end || ids[i + 1] !== right) {
      ids[target++] = ids[i]!
      continue
    }
    pairs.subtract(left, right, count)
    if (target > start) {
      pairs.subtract(ids[target - 1]!, left, count)
      pairs.add(ids[target - 1]!, merged, count, word)
    }
    if (i + 2 < end) {
      pairs.subtract(right, ids[i + 2]!, count)
      pairs.add(merged, ids[i + 2]!, count, word)
    }
    ids[target++] = merged
    i++
  }
  words.lengths[word] = target - start
}

interface HeapEntry {
  pair: number
  count: number
}

/** How often each pair of neighbours occurs, in which words, and which is the most frequent. */
class PairCounts {
  readonly #counts = new Map<number, number>()
  /** Words that have, or once had, the pair. */
  readonly #places = new Map<number, number[]>()
  readonly #grown = new Set<number>()
  readonly #heap: HeapEntry[] = []

  add(left: number, right: number, count: number, word: number): void {
    const pair = left * PAIR_BASE + right
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + count)
    const places = this.#places.get(pair)
    if (places === undefined) this.#places.set(pair, [word])
    else if (places[places.length - 1] !== word) places.push(word)
    this.#grown.add(pair)
  }

  subtract(left: number, right: number, count: number): void {
    const pair = left * PAIR_BASE + right
    this.#counts.set(pair, this.#counts.get(pair)! - count)
  }

  /** Words that may contain the pair; they are forgotten, because the caller merges it in each. */
  takePlaces(pair: number): number[] {
    const places = this.#places.get(pair) ?? []
    this.#places.delete(pair)
    return places
  }

  /** Puts the pairs that grew since the last call into the queue. */
  enqueueGrown(): void {
    for (const pair of this.#grown) this.#enqueue(pair)
    this.#grown.clear()
  }

  takeMostFrequent(): number | null {
    for (let top = popFirst(this.#heap); top !== undefined; top = popFirst(this.#heap)) {
      const count = this.#counts.get(top.pair)!
      if (count === top.count) return top.pair
      // Counts that fell since the entry was made are corrected only now; of those that grew there is another.
      if (count < top.count) this.#enqueue(top.pair)
    }
    return null
  }

  #enqueue(pair: number): void {
    const count = this.#counts.get(pair)!
    if (count >= MIN_PAIR_COUNT) insert(this.#heap, { pair, count })
  }
}

/** The more frequent pair goes first; ties go to the smaller token ids. */
function precedes(a: HeapEntry, b: HeapEntry): boolean {
  return a.count !== b.count ? a.count > b.count : a.pair < b.pair
}

function insert(heap: HeapEntry[], entry: HeapEntry): void {
  let index = heap.length
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!precedes(entry, heap[parent]!)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = entry
}

function popFirst(heap: HeapEntry[]): HeapEntry | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && precedes(heap[child + 1]!, heap[child]!)) child++
    if (!precedes(heap[child]!, last)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
  return first
}

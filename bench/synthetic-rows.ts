// Synthetic rows of about 60 words for the benchmarks of duplicates and screening: words drawn by Zipf's law out of 50,000,
// in phrases that repeat as those of a product's traffic do, with near duplicates and leaks planted at a known rate.
import { Random } from '@regraft/methods'

const WORDS = 50_000
const SYLLABLES = 'ba co di fu ge ha ki lo me nu pa qua ri so te vi wo xa yo zu'.split(' ')

export interface SyntheticRow {
  text: string
  /** Word-bigram Jaccard similarity to the earlier row that this one was edited from; null for a row of its own. */
  similarity: number | null
  /** Number of that row, from 0. */
  of: number | null
}

/** The word of a rank, most frequent first: two to five syllables, each rank another word. */
function wordOf(rank: number): string {
  let word = ''
  for (let rest = rank + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    word += SYLLABLES[rest % SYLLABLES.length]
  }
  return word
}

/** Draws rows one after another, so that a million of them need no memory; the same seed gives the same rows. */
export function* syntheticRows(count: number, seed: number, copies = 0.05): Generator<SyntheticRow> {
  const random = new Random(seed, 'synthetic rows')
  const words = Array.from({ length: WORDS }, (_, rank) => wordOf(rank))
  // A ring of recent originals, from which copies are made.
  const recent: { row: number; words: string[] }[] = []
  // Quick draws: one 32-bit word per word of the text.
  const draw = () => {
    const uniform = (random.nextUint32() + 1) / 0x100000001
    // Zipf with exponent 1 over the ranks: rank + 1 = WORDS^u.
    return words[Math.min(WORDS - 1, Math.floor(WORDS ** uniform) - 1)]!
  }
  for (let row = 0; row < count; row++) {
    if (recent.length > 0 && random.uniform() < copies) {
      const original = recent[random.integer(recent.length)]!
      const edited = [...original.words]
      // None to five changed words out of 40 to 80: similarities from about 0.6 to 1.
      for (let edits = random.integer(6); edits > 0; edits--) edited[random.integer(edited.length)] = draw()
      yield { text: toText(edited), similarity: similarityOf(original.words, edited), of: original.row }
      continue
    }
    const list = Array.from({ length: 40 + random.integer(41) }, draw)
    const kept = { row, words: list }
    if (recent.length < 5000) recent.push(kept)
    else recent[random.integer(recent.length)] = kept
    yield { text: toText(list), similarity: null, of: null }
  }
}

function similarityOf(left: readonly string[], right: readonly string[]): number {
  const [a, b] = [left, right].map(
    (list) => new Set(list.slice(1).map((word, at) => `${list[at]} ${word}`)),
  ) as [Set<string>, Set<string>]
  const common = [...a].filter((gram) => b.has(gram)).length
  return common / (a.size + b.size - common)
}

function toText(words: readonly string[]): string {
  let text = ''
  for (const [index, word] of words.entries()) {
    const begins = index % 12 === 0
    text += `${index === 0 ? '' : begins ? '. ' : ' '}${begins ? word[0]!.toUpperCase() + word.slice(1) : word}`
  }
  return `${text}?`
}

// Leaks to plant: evaluation items as they come into training rows by accident. Shared by the benchmarks of the firewall.
import { jaccard, type Random, shingler } from '@regraft/methods'

/** Makes the text of a training row out of an item's; null where the item is too short for this kind. */
export type Leak = (item: string, random: Random, carriers: readonly string[]) => string | null

/** The kinds of leaks that the n-gram rungs must find. */
export const LEAKS: Record<string, Leak> = {
  verbatim: (item) => item,
  'cased, punctuated': (item, random) => rewrite(item, random),
  'near copy (Jaccard from 0.8)': (item, random) => nearCopy(item, random),
  'embedded in other text': (item, random, carriers) => embed(item, random, carriers),
}

/** Kinds beyond what is promised, to show where the rungs end. */
export const HARDER_LEAKS: Record<string, Leak> = {
  'one word changed, anywhere': (item, random) => edit(item.split(/\s+/), random).join(' '),
  'two words changed, anywhere': (item, random) => edit(edit(item.split(/\s+/), random), random).join(' '),
  'embedded, in lower case without punctuation': (item, random, carriers) =>
    embed(item, random, carriers)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s]+/gu, ''),
  'embedded among ten other rows': (item, random, carriers) => {
    const rows = Array.from({ length: 10 }, () => random.choice(carriers))
    rows.splice(random.integer(11), 0, item)
    return rows.join(' ')
  },
}

const REWRITES: ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.replace(/[.?!]+/g, ''),
  (text) => `"${text}"`,
  (text) => text.replace(/\s+/g, '  ').replace(/[.?!]+$/, ' ?!'),
  (text) => text.replaceAll("'", '’').replace(/\s/g, '\u00a0'),
  (text) => `\u200b${text.replace(/, ?/g, ' – ')}…`,
]

function rewrite(item: string, random: Random): string {
  return random.choice(REWRITES)(random.choice(REWRITES)(item))
}

const OTHER_WORDS = 'please now my the again really this account still just today help your that it a'.split(
  ' ',
)

/** Replaces, drops, adds or moves one word. */
function edit(words: readonly string[], random: Random): string[] {
  const edited = [...words]
  const at = random.integer(edited.length)
  const way = random.integer(4)
  if (way === 0) edited[at] = random.choice(OTHER_WORDS)
  else if (way === 1) edited.splice(at, 1)
  else if (way === 2) edited.splice(at, 0, random.choice(OTHER_WORDS))
  else edited.splice(random.integer(edited.length), 0, ...edited.splice(at, 1))
  return edited
}

const take = shingler()

/** One to three edits that leave a Jaccard similarity of word bigrams of 0.8 or more, which is what a near copy is. */
function nearCopy(item: string, random: Random): string | null {
  const original = take(item)
  for (let trial = 0; trial < 200; trial++) {
    let words = item.split(/\s+/)
    for (let edits = 1 + random.integer(3); edits > 0 && words.length > 1; edits--)
      words = edit(words, random)
    const copy = words.join(' ')
    const { key, shingles } = take(copy)
    if (key !== original.key && jaccard(original.shingles, shingles) >= 0.8) return copy
  }
  return null
}

const FRAMES: ((item: string, carrier: () => string) => string)[] = [
  (item, carrier) => `${carrier()} ${item} ${carrier()}`,
  (item, carrier) => `${item} ${carrier()}`,
  (item, carrier) => `${carrier()} ${item}`,
  (item) => `Hello, ${item} Thanks in advance`,
  (item) => `Customer: ${item}\nAgent: I will look into it.`,
  (item) => `My colleague asked "${item}" and I did not know the answer.`,
]

function embed(item: string, random: Random, carriers: readonly string[]): string {
  return random.choice(FRAMES)(item, () => random.choice(carriers))
}

import type { PiiDetector, PiiSpan } from './span.ts'

const WORD = /[\p{L}\p{M}\p{N}]+/gu
/** What stands between the words of a name: spaces, one dash or apostrophe, the dot of an initial. */
const GAP = /^(?:\s{1,3}|\.\s{0,2}|\s?[-'’‐‑]\s?)$/u
/** Scripts that write no spaces between words, or join particles to names. */
const UNSPACED =
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}]+$/u

interface ListedName {
  words: string[]
  name: string
}

/**
 * Makes a detector of the names of a list, as whole words: `Ada` is in `Ada's` and not in `Adaptive`.
 *
 * A name is found as the list writes it (with capitals where the list has none) and in capitals throughout. In small letters it is
 * found only if it has several words: a `rose` or a `will` is rarely the person. At the start of a sentence a name of one word gets
 * less confidence. Texts and list are compared in NFC; a word boundary is Unicode's.
 */
export function nameDetector(names: Iterable<string>): PiiDetector {
  const byFirst = new Map<string, ListedName[]>()
  const unspaced: string[] = []
  for (const entry of names) {
    const name = entry.normalize('NFC').trim()
    if (UNSPACED.test(name)) {
      if ([...name].length > 1) unspaced.push(name)
      continue
    }
    const hasCase = name !== name.toLowerCase() && name !== name.toUpperCase()
    const words = (name.match(WORD) ?? []).map((word) => (hasCase ? word : capitalized(word)))
    const [first] = words
    if (first === undefined || words.join('').length < 2) continue
    const key = first.toLowerCase()
    const listed = byFirst.get(key)
    if (listed) listed.push({ words, name })
    else byFirst.set(key, [{ words, name }])
  }
  // The longest name that fits wins: 'Ada Lovelace' before 'Ada'.
  for (const listed of byFirst.values()) listed.sort((a, b) => b.words.length - a.words.length)
  return (text) =>
    [...findSpaced(text, byFirst), ...findUnspaced(text, unspaced)].sort((a, b) => a.start - b.start)
}

function findSpaced(text: string, byFirst: ReadonlyMap<string, ListedName[]>): PiiSpan[] {
  if (byFirst.size === 0) return []
  const spans: PiiSpan[] = []
  const found = [...text.matchAll(WORD)].map(({ 0: word, index }) => {
    return { word: word.normalize('NFC'), start: index, end: index + word.length }
  })
  for (let at = 0; at < found.length; at++) {
    for (const { words } of byFirst.get(found[at]!.word.toLowerCase()) ?? []) {
      const here = found.slice(at, at + words.length)
      const joined = here.every(
        (part, index) => index === 0 || GAP.test(text.slice(here[index - 1]!.end, part.start)),
      )
      if (here.length < words.length || !joined) continue
      const confidence = confidenceOf(
        here.map(({ word }) => word),
        words,
        text,
        here[0]!.start,
      )
      if (confidence === null) continue
      const { start } = here[0]!
      const { end } = here.at(-1)!
      spans.push({ kind: 'name', start, end, value: words.join(' ').toLowerCase(), confidence })
      at += words.length - 1
      break
    }
  }
  return spans
}

function confidenceOf(written: string[], listed: string[], text: string, start: number): number | null {
  const several = listed.length > 1
  if (written.every((word, index) => word === listed[index])) {
    if (several) return 0.95
    return /(?:^|[.!?¿¡:\n]["'“”»)]?\s*)$/u.test(text.slice(Math.max(0, start - 4), start)) ? 0.6 : 0.85
  }
  if (written.every((word, index) => word === listed[index]!.toUpperCase())) return several ? 0.9 : 0.7
  if (several && written.every((word, index) => word.toLowerCase() === listed[index]!.toLowerCase()))
    return 0.75
  return null
}

function findUnspaced(text: string, names: readonly string[]): PiiSpan[] {
  const spans: PiiSpan[] = []
  for (const name of names) {
    for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + name.length)) {
      spans.push({ kind: 'name', start, end: start + name.length, value: name, confidence: 0.8 })
    }
  }
  return spans.filter((span) => {
    return !spans.some((other) => other !== span && other.start <= span.start && other.end >= span.end)
  })
}

function capitalized(word: string): string {
  const [first = '', ...rest] = word
  return first.toUpperCase() + rest.join('').toLowerCase()
}

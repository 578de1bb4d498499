import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OverlapIndex, type OverlapOptions } from './overlap-index.ts'
import { ngramsOf, words } from './words.ts'

const long =
  'when I try to pay in a shop abroad my new card is declined although there is money in the account'
const ten = 'why has my transfer not arrived after three long days'
const short = 'How do I link a new card?'
const items = [long, ten, short, 'Where is my card?']
const rungsOf = (text: string, options: OverlapOptions = {}) =>
  new OverlapIndex(items, options).match(text).map(({ position, rungs }) => [position, ...rungs])

test('an unrelated text overlaps nothing', () => {
  expect(rungsOf('Good morning, I would like to open a second account for my daughter.')).toEqual([])
  expect(rungsOf('')).toEqual([])
})

test('an exact copy is equal whatever its length, case and punctuation', () => {
  expect(rungsOf('WHERE is my card')).toEqual([[3, 'equal', 'near-copy']])
})

test('a fragment of 13 words is an overlap, one of 12 is not', () => {
  const fragment = words(long).slice(3, 16)
  expect(rungsOf(`hello there ${fragment.join(' ')} thank you`)).toEqual([[0, 'shared-ngram']])
  expect(rungsOf(`hello there ${fragment.slice(1).join(' ')} thank you`)).toEqual([])
})

test('containment is the share of the item that the text holds, and the threshold is inclusive', () => {
  // Ten words have three 8-grams; without the last word two of three are left, and 8 of 9 bigrams.
  const text = words(ten).slice(0, 9).join(' ')
  const rungs = ['containment'] as const
  expect(rungsOf(text, { rungs })).toEqual([])
  expect(rungsOf(text, { rungs, containment: 2 / 3 })).toEqual([[1, 'containment']])
})

test('a near copy has most of its word bigrams in common', () => {
  // Without the last of ten words 8 of 9 bigrams are left; with a word replaced in the middle 7 of 11 are common.
  const list = words(ten)
  expect(rungsOf(list.slice(0, 9).join(' '))).toEqual([[1, 'near-copy']])
  expect(rungsOf(list.with(4, 'never').join(' '))).toEqual([])
})

test('an item is found inside a long text, and its bigrams scattered over one are not', () => {
  const filler = 'and so on and on it goes without an end in sight '.repeat(50)
  expect(rungsOf(`${filler} ${ten} ${filler}`)).toEqual([[1, 'containment', 'embedded']])
  const scattered = ngramsOf(words(ten), 2).join(` ${filler} `)
  expect(rungsOf(scattered)).toEqual([])
})

test('a short item counts as a sentence of a text, not as a part of one', () => {
  expect(rungsOf('I got it today. how do i link a new card, please')).toEqual([[2, 'embedded']])
  expect(rungsOf('Thanks How do I link a new card Bye for now')).toEqual([[2, 'embedded']])
  expect(rungsOf('How do I link a new card to an old one?')).toEqual([])
  expect(rungsOf('Hello. Where is my card? Thanks.')).toEqual([])
})

test('items with the same text all match', () => {
  const index = new OverlapIndex([long, long.toUpperCase()])
  expect(index.match(long)).toEqual([
    { position: 0, rungs: ['equal', 'shared-ngram', 'containment', 'near-copy', 'embedded'], share: 1 },
    { position: 1, rungs: ['equal', 'shared-ngram', 'containment', 'near-copy', 'embedded'], share: 1 },
  ])
})

test('lengths and thresholds that cannot work are refused', () => {
  expect(() => new OverlapIndex(items, { containment: 0 })).toThrow(/'containment'/)
  expect(() => new OverlapIndex(items, { nearCopy: 1.1 })).toThrow(RangeError)
  expect(() => new OverlapIndex(items, { embeddedWords: 1 })).toThrow(/'embeddedWords'/)
  expect(() => new OverlapIndex(items, { sharedWords: 5 })).toThrow(/longer/)
})

test('the index finds exactly what comparing every pair finds', () => {
  const word = fc.constantFrom('card', 'my', 'is', 'lost')
  const text = fc.array(word, { maxLength: 14 }).map((list) => list.join(' '))
  const options = { sharedWords: 4, containmentWords: 3, containment: 0.5, nearCopy: 0.6, embedded: 0.7 }
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), text, (texts, row) => {
      const found = new OverlapIndex(texts, { ...options, embeddedWords: 3 }).match(row)
      const expected = texts.flatMap((item, position) => {
        const rungs = comparePair(item, row)
        return rungs.length === 0 ? [] : [{ position, rungs }]
      })
      expect(found.map(({ position, rungs }) => ({ position, rungs }))).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

/** The rungs by their definitions, on sets of strings. */
function comparePair(item: string, row: string): string[] {
  const [own, other] = [words(item), words(row)]
  const grams = (list: string[], n: number) => new Set(ngramsOf(list, n))
  const common = (a: Set<string>, b: Set<string>) => [...a].filter((gram) => b.has(gram)).length
  const share = (n: number, text: string[]) =>
    common(grams(own, n), grams(text, n)) / Math.max(1, grams(own, n).size)
  const rungs: string[] = []
  if (item === row) rungs.push('equal')
  if (own.length >= 4 && share(4, other) > 0) rungs.push('shared-ngram')
  if (own.length >= 3 && share(3, other) >= 0.5) rungs.push('containment')
  const [a, b] = [grams(own, 2), grams(other, 2)]
  if (a.size > 0 && common(a, b) / (a.size + b.size - common(a, b)) >= 0.6) rungs.push('near-copy')
  const length = Math.ceil(1.25 * (own.length - 1))
  const passages = other.map((_, start) => other.slice(start, start + length + 1))
  if (own.length >= 3 && passages.some((passage) => share(2, passage) >= 0.7)) rungs.push('embedded')
  return rungs
}

const FOLDER = process.env.BANKING77 ?? join(import.meta.dirname, '../../../../../shared/data/banking77')
const missing = existsSync(join(FOLDER, 'test.csv'))
  ? ''
  : ' (skipped: no banking77 in the shared data folder)'

test.skipIf(missing !== '')(`all overlaps between train and test of banking77 are found${missing}`, () => {
  const read = (part: string) => {
    const rows = parse<{ text: string }>(readFileSync(join(FOLDER, `${part}.csv`)), { columns: true })
    return rows.map(({ text }) => text)
  }
  const index = new OverlapIndex(read('test'))
  const found = { equal: new Set<number>(), 'near-copy': new Set<number>() }
  for (const text of read('train')) {
    for (const { position, rungs } of index.match(text)) {
      for (const rung of ['equal', 'near-copy'] as const) if (rungs.includes(rung)) found[rung].add(position)
    }
  }
  // Counted in Python with re.findall(r'\w+') and sets of bigrams.
  expect(found.equal.size).toBe(25)
  expect(found['near-copy'].size).toBe(119)
})

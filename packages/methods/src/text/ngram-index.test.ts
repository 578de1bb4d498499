import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NgramIndex, type NgramMatch } from './ngram-index.ts'
import { normalizeText } from './normalize.ts'
import { wordNgrams, words } from './words.ts'

const long =
  'when I try to pay in a shop abroad my new card is declined although there is money in the account'
const ten = 'why has my transfer not arrived after three long days'
const short = 'Where is my card?'
const items = [
  { id: 'long', text: long },
  { id: 'ten', text: ten },
  { id: 'short', text: short },
]

test('an unrelated text matches nothing', () => {
  expect(
    new NgramIndex(items).match('Good morning, I would like to open a second account for my daughter.'),
  ).toEqual([])
})

test('an exact copy matches by equality whatever its length, case and punctuation', () => {
  expect(new NgramIndex(items).match('WHERE is my card')).toEqual([
    { id: 'short', rungs: ['equal'], containment: null, sharedNgram: null },
  ])
})

test('a fragment of 13 words is a leak, one of 12 is not', () => {
  const index = new NgramIndex(items)
  const fragment = words(long).slice(3, 16)
  const [match] = index.match(`hello there ${fragment.join(' ')} thank you`)
  expect(match).toMatchObject({ id: 'long', rungs: ['shared-ngram'], sharedNgram: fragment.join(' ') })
  expect(index.match(`hello there ${fragment.slice(1).join(' ')} thank you`)).toEqual([])
})

test('an item embedded in a long text matches by containment', () => {
  const filler = 'and so on and on it goes without an end in sight '.repeat(50)
  const [match] = new NgramIndex(items).match(`${filler} ${ten} ${filler}`)
  expect(match).toEqual({ id: 'ten', rungs: ['containment'], containment: 1, sharedNgram: null })
})

test('containment is the share of the item that the text holds, and the threshold is inclusive', () => {
  // Ten words have three 8-grams; without the last word two of three are left.
  const text = words(ten).slice(0, 9).join(' ')
  expect(new NgramIndex(items).match(text)).toEqual([])
  const [match] = new NgramIndex(items, { threshold: 2 / 3 }).match(text)
  expect(match).toMatchObject({ id: 'ten', rungs: ['containment'], containment: 2 / 3 })
})

test('coverage names the items that are too short for a rung', () => {
  const index = new NgramIndex([...items, { id: 'empty', text: '?!' }])
  expect(index.size).toBe(4)
  expect(index.coverage()).toEqual([
    { rung: 'equal', words: 1, covered: 3, tooShort: ['empty'] },
    { rung: 'shared-ngram', words: 13, covered: 1, tooShort: ['ten', 'short', 'empty'] },
    { rung: 'containment', words: 8, covered: 2, tooShort: ['short', 'empty'] },
  ])
  expect(index.match('...')).toEqual([])
})

test('items with the same text all match', () => {
  const index = new NgramIndex([
    { id: 'a', text: long },
    { id: 'b', text: long.toUpperCase() },
  ])
  expect(index.match(long).map((match) => match.id)).toEqual(['a', 'b'])
  expect(index.match(long)[0]?.rungs).toEqual(['equal', 'shared-ngram', 'containment'])
})

test('n-gram lengths and thresholds that cannot work are refused', () => {
  expect(() => new NgramIndex(items, { shared: 5, containment: 8 })).toThrow(/longer/)
  expect(() => new NgramIndex(items, { containment: 0 })).toThrow(RangeError)
  expect(() => new NgramIndex(items, { threshold: 0 })).toThrow(/threshold/)
})

test('the index finds exactly what comparing every pair finds', () => {
  const word = fc.constantFrom('card', 'my', 'is', 'lost')
  const text = fc.array(word, { maxLength: 14 }).map((list) => list.join(' '))
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), text, (texts, row) => {
      const listed = texts.map((item, position) => ({ id: String(position), text: item }))
      const found = new NgramIndex(listed, { shared: 4, containment: 3, threshold: 0.5 }).match(row)
      expect(found).toEqual(listed.flatMap((item) => comparePair(item, row)))
    }),
    { numRuns: 500 },
  )
})

function comparePair(item: { id: string; text: string }, row: string): NgramMatch[] {
  const own = [...new Set(wordNgrams(item.text, 3))]
  const containment =
    own.length === 0 ? null : own.filter((gram) => wordNgrams(row, 3).includes(gram)).length / own.length
  const sharedNgram = wordNgrams(item.text, 4).find((gram) => wordNgrams(row, 4).includes(gram)) ?? null
  const rungs: NgramMatch['rungs'] = []
  if (item.text !== '' && normalizeText(item.text) === normalizeText(row)) rungs.push('equal')
  if (sharedNgram !== null) rungs.push('shared-ngram')
  if (containment !== null && containment >= 0.5) rungs.push('containment')
  return rungs.length === 0 ? [] : [{ id: item.id, rungs, containment, sharedNgram }]
}

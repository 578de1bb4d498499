import { expect, test } from 'vitest'
import { DuplicateFinder } from './duplicate-finder.ts'
import { Sketcher } from './near-duplicate-index.ts'

function decide(texts: string[], agrees?: (text: number, survivor: number) => boolean) {
  const batch = new Sketcher().sketch(texts)
  const finder = new DuplicateFinder()
  return texts.map((_, index) => finder.next(batch, index, agrees && ((survivor) => agrees(index, survivor))))
}

// Nine bigrams; a changed word at an end leaves 8 of 10, one at each end 7 of 11.
const a = 'why has my transfer not arrived after three long days'
const b = 'why has my transfer not arrived after three long weeks'
const c = 'how has my transfer not arrived after three long weeks'

test('an equal text is found by its normalised form, with or without words', () => {
  const texts = [
    'Where is my card?',
    'where is my CARD',
    '👍',
    '👎',
    '👍',
    'Refund',
    'refund.',
    '€5',
    '$5',
    '',
  ]
  const equal = (of: number) => ({ of, similarity: null })
  expect(decide(texts)).toEqual([null, equal(0), null, null, equal(2), null, equal(5), null, null, null])
})

test('a near duplicate names the most similar survivor', () => {
  expect(decide([a, b])).toEqual([null, { of: 0, similarity: 8 / 10 }])
  expect(decide([a, c, b])).toEqual([null, null, { of: 0, similarity: 8 / 10 }])
})

test('a chain of small changes does not put unlike texts together', () => {
  expect(decide([b, a, c])).toEqual([null, { of: 0, similarity: 8 / 10 }, { of: 0, similarity: 8 / 10 }])
  expect(decide([a, b, c])).toEqual([null, { of: 0, similarity: 8 / 10 }, null])
})

test('the copy of a dropped text is dropped for the same reason', () => {
  expect(decide([a, b, b.toUpperCase()])[2]).toEqual({ of: 0, similarity: 8 / 10 })
})

test('near duplicates that differ otherwise are kept, equal texts are not', () => {
  expect(decide([a, b, a], () => false)).toEqual([null, null, { of: 0, similarity: null }])
  expect(decide([a, b, c], (_, survivor) => survivor !== 0)).toEqual([
    null,
    null,
    { of: 1, similarity: 8 / 10 },
  ])
})

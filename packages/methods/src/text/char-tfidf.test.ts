import { expect, test } from 'vitest'
import { CharTfidf, charNgrams, textNgrams } from './char-tfidf.ts'

// Golden values: scikit-learn 1.9.1, TfidfVectorizer(analyzer='char_wb', ngram_range=(2, 4)) fitted on these texts.
const texts = ['Card card lost!', 'my new CARD is late', 'a é 👍 b']
const golden = {
  sublinear: { card: 0.22951948710976913, late: 0.17824235657234705, ' l': 0.13555790645079308 },
  counts: { card: 0.24250353368609046, late: 0.15943150220094532, ' l': 0.12125176684304523 },
}

test.each([
  ['damped', true, golden.sublinear],
  ['plain', false, golden.counts],
])('%s weights are those of scikit-learn', (_, sublinear, expected) => {
  const vectorizer = new CharTfidf(texts, { minimum: 2, maximum: 4, sublinear })
  expect(vectorizer.size).toBe(71)
  const { indices, values } = vectorizer.transform('late card card')
  expect([...indices]).toEqual([...indices].sort((left, right) => left - right))
  // 12 n-grams of "card", 11 of "late", and " l", which "lost" has too.
  const sorted = [...values].sort((left, right) => right - left)
  const wanted = [...Array(12).fill(expected.card), ...Array(11).fill(expected.late), expected[' l']]
  expect(sorted).toHaveLength(wanted.length)
  for (const [position, value] of sorted.entries()) expect(value).toBeCloseTo(wanted[position]!, 14)
})

test('a text without any known n-gram becomes the empty vector', () => {
  expect(new CharTfidf(texts).transform('zzz').indices).toHaveLength(0)
})

test('n-grams never seen lengthen a vector where they count, as if the fitted texts lacked them', () => {
  const few = { minimum: 2, maximum: 2, sublinear: false }
  const counted = new CharTfidf(['ab'], { ...few, countUnseen: true }).transform('ab zz')
  // Fitted: " a", "ab", "b " with weight 1. Never seen: " z", "zz", "z " with weight ln 2 + 1.
  const length = Math.sqrt(3 + 3 * (Math.LN2 + 1) ** 2)
  expect([...counted.values]).toEqual(Array(3).fill(expect.closeTo(1 / length, 14)))
  expect([...new CharTfidf(['ab'], few).transform('ab zz').values]).toEqual(
    Array(3).fill(expect.closeTo(1 / Math.sqrt(3), 14)),
  )
})

test('n-grams stay inside padded words, and a short word counts once', () => {
  expect(charNgrams('Ab  c', 2, 4)).toEqual([' a', 'ab', 'b ', ' ab', 'ab ', ' ab ', ' c', 'c ', ' c '])
  expect(charNgrams('👍', 4, 5)).toEqual([' 👍 '])
})

test('n-grams across words run over the whole text', () => {
  expect(textNgrams('Ab \n c👍', 2, 3)).toEqual(['ab', 'b ', ' c', 'c👍', 'ab ', 'b c', ' c👍'])
  const across = new CharTfidf(['ab cd', 'cd ab'], { minimum: 2, maximum: 3, acrossWords: true })
  const [one, other] = ['ab cd', 'cd ab'].map((text) => across.transform(text))
  // Shared are "ab" and "cd"; the five others of each occur in one text: "b ", " c", "ab ", "b c", " cd" have weight ln(3/2) + 1.
  const dot = [...one!.indices].reduce((sum, feature, at) => {
    const place = other!.indices.indexOf(feature)
    return place < 0 ? sum : sum + one!.values[at]! * other!.values[place]!
  }, 0)
  expect(dot).toBeCloseTo(2 / (2 + 5 * (Math.log(3 / 2) + 1) ** 2), 14)
})

test('n-gram lengths in the wrong order are refused', () => {
  expect(() => new CharTfidf(texts, { minimum: 4, maximum: 3 })).toThrow(RangeError)
})

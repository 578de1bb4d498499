import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalizeText } from './normalize.ts'
import { WordHasher } from './word-hashes.ts'
import { ngramsOf, words } from './words.ts'

/** An invisible character sends a text the slow way and changes nothing of it. */
const INVISIBLE = '\u200b'

function read(text: string, n = 2) {
  const hasher = new WordHasher()
  hasher.read(text)
  const grams = new Float64Array(hasher.count + 1)
  return {
    key: hasher.key,
    count: hasher.count,
    grams: [...grams.subarray(0, hasher.ngrams(n, grams))],
    breaks: Array.from({ length: hasher.count + 1 }, (_, position) => hasher.breaksAt(position)),
    at: (start: number) => hasher.ngramAt(start, n),
  }
}

const plain = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...' .,?!-\'"$<+^`\n\t\0ABab1_“–’…\u00a0'),
    fc.string({ unit: 'grapheme-ascii', maxLength: 1, minLength: 1 }),
  ),
  maxLength: 40,
})

test('the quick way and the slow way read the same words', () => {
  fc.assert(
    fc.property(plain, fc.integer({ min: 1, max: 4 }), (text, n) => {
      const [quick, slow] = [read(text, n), read(`${text}${INVISIBLE}`, n)]
      expect(slow.grams).toEqual(quick.grams)
      expect(slow.count).toBe(quick.count)
      if (normalizeText(text) !== '') expect(slow.key).toBe(quick.key)
    }),
    { numRuns: 2000 },
  )
})

test('two texts have the same key exactly when their normalised forms are equal', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'B', 'b', ' ', '.', '$', 'é', '👍', '卡'),
    maxLength: 6,
  })
  fc.assert(
    fc.property(text, text, (a, b) => {
      const equal = normalizeText(a) === normalizeText(b) && (normalizeText(a) !== '' || a === b)
      expect(read(a).key === read(b).key).toBe(equal)
    }),
    { numRuns: 2000 },
  )
})

test('two n-grams have the same key exactly when their words are equal', () => {
  const word = fc.constantFrom('my', 'card', 'Card', 'is', 'läßt', '卡')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 1, max: 13 }), (list, n) => {
      const text = list.join(' ')
      const strings = ngramsOf(words(text), n)
      const { grams, at } = read(text, n)
      expect(grams.length).toBe(strings.length)
      const byString = new Map(strings.map((gram, index) => [gram, grams[index]]))
      expect(new Set(byString.values()).size).toBe(byString.size)
      for (const [index, gram] of strings.entries()) {
        expect(grams[index]).toBe(byString.get(gram))
        expect(at(index)).toBe(grams[index])
      }
    }),
  )
})

test('a currency sign separates words and still tells texts apart', () => {
  expect(read('pay €1 now').grams).toEqual(read('pay $1 now').grams)
  expect(read('pay €1 now').key).not.toBe(read('pay $1 now').key)
})

test('texts without a word differ by what they are', () => {
  expect(read('👍').key).not.toBe(read('👎').key)
  expect(read('?!').key).not.toBe(read('...').key)
  expect(read('👍')).toMatchObject({ count: 0, grams: [] })
})

test('sentences and clauses begin after punctuation and before a capital letter, in both ways', () => {
  const text = 'I lost it. how do I get (a new card) today Please help'
  const breaks = [0, 3, 7, 10, 11]
  for (const way of [text, `${text}${INVISIBLE}`]) {
    const found = read(way).breaks.flatMap((broken, position) => (broken ? [position] : []))
    expect(found).toEqual([...breaks, words(text).length])
  }
})

test('a text of thousands of words is read whole', () => {
  const text = Array.from({ length: 5000 }, (_, index) => `w${index}`).join(' ')
  expect(read(text).count).toBe(5000)
  expect(new Set(read(text).grams).size).toBe(4999)
})

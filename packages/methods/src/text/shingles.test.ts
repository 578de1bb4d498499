import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jaccard, shingler, sortDistinct } from './shingles.ts'
import { ngramsOf } from './words.ts'

const take = shingler()
const similarity = (a: string, b: string) => jaccard(take(a).shingles, take(b).shingles)

test('the similarity is that of the sets of word bigrams', () => {
  // By hand: {why is, is my, my card, card late} and {why is, is my, my card}.
  expect(similarity('Why is my card late?', 'why is my CARD')).toBe(3 / 4)
  expect(similarity('my card my card', 'my card my')).toBe(1)
  expect(similarity('lost card', 'stolen phone')).toBe(0)
})

test('a text of one word has no shingles', () => {
  expect(take('Refund!').shingles).toHaveLength(0)
  expect(similarity('', '')).toBe(0)
})

test('it equals the similarity of sets of strings, whatever the lengths', () => {
  const text = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 }), fc.integer({ min: 1, max: 30 }))
    .map(([list, times]) => list.flatMap((word) => Array(times).fill(word)))
  fc.assert(
    fc.property(text, text, (a, b) => {
      if (Math.min(a.length, b.length) < 2) return
      const [left, right] = [new Set(ngramsOf(a, 2)), new Set(ngramsOf(b, 2))]
      const common = [...left].filter((gram) => right.has(gram)).length
      expect(similarity(a.join(' '), b.join(' '))).toBe(common / (left.size + right.size - common))
    }),
  )
})

test('sorting leaves each number once, in short and in long lists', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 80 }), { maxLength: 120 }), (list) => {
      const numbers = Float64Array.from(list)
      const count = sortDistinct(numbers, list.length)
      expect([...numbers.subarray(0, count)]).toEqual([...new Set(list)].sort((a, b) => a - b))
    }),
  )
})

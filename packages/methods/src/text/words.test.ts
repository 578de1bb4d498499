import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sharedNgram, wordNgrams, words } from './words.ts'

test('n-grams run over normalised words', () => {
  expect(wordNgrams('My card, my CARD!', 2)).toEqual(['my card', 'card my', 'my card'])
  expect(wordNgrams('too short', 3)).toEqual([])
})

test('scripts without spaces give one word per character', () => {
  expect(words('我的卡 lost')).toEqual(['我', '的', '卡', 'lost'])
  expect(words('บัตร')).toEqual(['บั', 'ต', 'ร'])
})

test('the first n-gram that two texts share is named', () => {
  const item = 'Please tell me why my card was declined today'
  expect(sharedNgram(item, 'hm, WHY MY CARD was declined?', 4)).toBe('why my card was')
  expect(sharedNgram(item, 'why was my card declined', 4)).toBeNull()
})

test('an n that is no positive integer is refused', () => {
  expect(() => wordNgrams('a b', 0)).toThrow(RangeError)
  expect(() => wordNgrams('a b', 1.5)).toThrow(RangeError)
})

test('a text of w words has w - n + 1 n-grams', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 30 }),
      fc.integer({ min: 1, max: 15 }),
      (list, n) => {
        expect(wordNgrams(list.join(' '), n)).toHaveLength(Math.max(0, list.length - n + 1))
      },
    ),
  )
})

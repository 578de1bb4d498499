import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteMatcher } from './byte-matcher.ts'

const bytes = (text: string) => Buffer.from(text)

test('every pattern is found at every place, one within another too', () => {
  const matcher = new ByteMatcher(['card', 'my card', 'cards', 'none of it'].map(bytes))
  expect(matcher.find(bytes('my cards, my card'))).toEqual([
    { pattern: 1, offset: 0 },
    { pattern: 0, offset: 3 },
    { pattern: 2, offset: 3 },
    { pattern: 1, offset: 10 },
    { pattern: 0, offset: 13 },
  ])
  expect(new ByteMatcher([]).find(bytes('anything'))).toEqual([])
})

test('a stream finds what the whole does, wherever it is cut', () => {
  const text = fc.stringMatching(/^[ab]{0,60}$/)
  const patterns = fc.array(fc.stringMatching(/^[ab]{4,9}$/), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(text, patterns, fc.array(fc.nat(8), { maxLength: 30 }), (whole, list, cuts) => {
      const matcher = new ByteMatcher(list.map(bytes))
      const push = matcher.stream()
      const found = []
      let at = 0
      for (const size of [...cuts, whole.length]) {
        found.push(...push(bytes(whole.slice(at, at + size))))
        at += size
      }
      const key = ({ pattern, offset }: { pattern: number; offset: number }) => `${offset} ${pattern}`
      const expected = list.flatMap((pattern, index) =>
        // The standard library's own search, at every offset.
        [...whole].flatMap((_, offset) =>
          whole.startsWith(pattern, offset) ? [{ pattern: index, offset }] : [],
        ),
      )
      expect(found.map(key).sort()).toEqual(expected.map(key).sort())
      expect(matcher.find(bytes(whole)).map(key).sort()).toEqual(expected.map(key).sort())
    }),
  )
})

test('a pattern that is too short is refused', () => {
  expect(() => new ByteMatcher([bytes('abc')])).toThrow(RangeError)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { levenshtein, normalizedEditDistance } from './levenshtein.ts'

test('the textbook distances come out', () => {
  // Wagner and Fischer's recurrence by hand; "kitten"/"sitting" and "Saturday"/"Sunday" are the textbook examples.
  expect(levenshtein('kitten', 'sitting')).toBe(3)
  expect(levenshtein('Saturday', 'Sunday')).toBe(3)
  expect(levenshtein('', 'abc')).toBe(3)
  expect(levenshtein('ab', 'ba')).toBe(2)
})

test('an emoji counts as one character', () => {
  expect(levenshtein('thanks 👍', 'thanks 👎')).toBe(1)
  expect(normalizedEditDistance('👍', '👎')).toBe(1)
})

test('the normalised distance lies between equal and nothing in common', () => {
  expect(normalizedEditDistance('', '')).toBe(0)
  expect(normalizedEditDistance('same', 'same')).toBe(0)
  expect(normalizedEditDistance('abcd', 'abce')).toBe(0.25)
})

test('the distance equals the recursive definition, is symmetric and obeys the triangle inequality', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 })
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(levenshtein(a, b)).toBe(recursive(a, b))
      expect(levenshtein(a, b)).toBe(levenshtein(b, a))
      expect(levenshtein(a, c)).toBeLessThanOrEqual(levenshtein(a, b) + levenshtein(b, c))
    }),
    { numRuns: 300 },
  )
})

function recursive(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length
  const replaced = recursive(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1)
  return Math.min(replaced, recursive(a.slice(1), b) + 1, recursive(a, b.slice(1)) + 1)
}

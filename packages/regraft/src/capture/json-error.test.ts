import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findJsonError } from './json-error.ts'

test.each([
  ['{"a": 1,}', 8, 'a property name in double quotes'],
  ["{'a': 1}", 1, 'a property name in double quotes'],
  ['{"a" 1}', 5, "':' after a property name"],
  ['{"a": [1, 2}', 11, "',' or ']'"],
  ['{"a": "b', 8, 'the closing quote of a string'],
  ['{"a": "\\x"}', 7, 'a valid escape such as \\" or \\n'],
  ['{"a": "tab\there"}', 10, 'an escaped control character'],
  ['{"a": 01}', 7, "',' or '}'"],
  ['[1, ]', 4, 'a value'],
  ['{} {}', 3, 'the end of the line'],
  ['hello', 0, 'a value'],
  ['', 0, 'a value'],
])('%s stops being JSON at offset %i', (text, offset, expected) => {
  expect(findJsonError(text)).toEqual({ offset, expected })
})

test('it agrees with JSON.parse about every text', () => {
  const near = fc.tuple(
    fc.json(),
    fc.nat(),
    fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '0', 'e', ' ', '\n'),
  )
  fc.assert(
    fc.property(near, ([text, position, piece]) => {
      const at = position % (text.length + 1)
      const edited = text.slice(0, at) + piece + text.slice(at + 1)
      const error = findJsonError(edited)
      let valid = true
      try {
        JSON.parse(edited)
      } catch {
        valid = false
      }
      expect(error === null).toBe(valid)
      if (error) expect(error.offset).toBeLessThanOrEqual(edited.length)
    }),
    { seed: 1, numRuns: 2000 },
  )
})

test('deep nesting does not exhaust the stack', () => {
  expect(findJsonError('['.repeat(200_000))?.offset).toBe(200_000)
})

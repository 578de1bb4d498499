import { validate, version } from 'uuid'
import { expect, test } from 'vitest'
import { parseTime } from './parse-time.ts'
import { inferenceIdOf, rowId } from './row-ids.ts'

test('a row id is a UUIDv7 of its time whose rest depends on its parts alone', () => {
  const time = new Date('2022-02-22T19:22:22.000Z')
  const id = rowId(time, ['file', 7])
  expect(validate(id) && version(id)).toBe(7)
  // RFC 9562, appendix A.6: this time begins with 017f22e2-79b0.
  expect(id.slice(0, 13)).toBe('017f22e2-79b0')
  expect(rowId(time, ['file', 7])).toBe(id)
  expect(rowId(time, ['file', 8]).slice(14)).not.toBe(id.slice(14))
  expect(rowId(time, ['a', 'b'])).not.toBe(rowId(time, ['a,b']))
})

test('a response id is the inference id, a foreign handle always maps to the same UUIDv8', () => {
  const id = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
  expect(inferenceIdOf(id)).toBe(id)
  expect(inferenceIdOf(id.toUpperCase())).toBe(id)
  expect(inferenceIdOf(`chatcmpl-${id}`)).toBe(id)
  const foreign = inferenceIdOf('chatcmpl-9xYz')
  expect(version(foreign)).toBe(8)
  expect(inferenceIdOf('chatcmpl-9xYz')).toBe(foreign)
  expect(inferenceIdOf('chatcmpl-9xYy')).not.toBe(foreign)
})

test.each([
  ['2025-03-01', '2025-03-01T00:00:00.000Z'],
  ['2025-03-01 14:05', '2025-03-01T14:05:00.000Z'],
  ['2025-03-01T14:05:06.789+02:00', '2025-03-01T12:05:06.789Z'],
  ['2025-03-01T14:05:06+0200', '2025-03-01T12:05:06.000Z'],
  ['2025-03-01T14:05:06z', '2025-03-01T14:05:06.000Z'],
  [1740837906, '2025-03-01T14:05:06.000Z'],
  ['1740837906.5', '2025-03-01T14:05:06.500Z'],
])('the time %s is read as %s', (value, expected) => {
  expect(parseTime(value)?.toISOString()).toBe(expected)
})

test.each(['yesterday', '03/04/2025', '2025-02-30', '2025-13-01', '2025-03-01T25:00', '1740837906789', ''])(
  '%j is not taken for a time',
  (value) => {
    expect(parseTime(value)).toBeNull()
  },
)

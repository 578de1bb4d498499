import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StopStrings } from './stop-strings.ts'

/** What is shown of a text that comes in pieces. */
function shown(pieces: readonly string[], stops: readonly string[]) {
  const filter = new StopStrings(stops)
  const out = pieces.map((piece) => filter.push(piece))
  return { out: [...out, filter.end()], stopped: filter.stopped }
}

test('a stop string across pieces cuts the text before it', () => {
  const { out, stopped } = shown(['one EN', 'D', ' two'], ['END'])
  expect(out).toEqual(['one ', '', '', ''])
  expect(stopped).toBe(true)
})

test('what only began like a stop string is shown when that is known', () => {
  expect(shown(['a E', 'N', 'x'], ['END']).out).toEqual(['a ', '', 'ENx', ''])
  expect(shown(['a EN'], ['END']).out).toEqual(['a ', 'EN'])
})

test('the first of several stop strings counts, whatever the cuts', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 12 }),
      fc.array(letters, { maxLength: 3 }),
      (pieces, stops) => {
        const text = pieces.join('')
        const { out, stopped } = shown(pieces, stops)
        const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
        expect(stopped).toBe(ends.length > 0)
        const result = out.join('')
        expect(text.startsWith(result)).toBe(true)
        if (ends.length === 0) expect(result).toBe(text)
        for (const stop of stops) expect(result).not.toContain(stop)
      },
    ),
  )
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawReplay } from './replay.ts'

const rows = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`)

test('older and general rows get the shares of all training rows that were asked for', () => {
  const drawn = drawReplay(
    { fresh: 700, past: rows('p', 1000), general: rows('g', 1000) },
    { past: 0.2, general: 0.1, seed: 1 },
  )
  expect(drawn.past).toHaveLength(200)
  expect(drawn.general).toHaveLength(100)
  expect(drawn.left).toHaveLength(1700)
})

test('what is not there is not drawn twice, and the same seed draws the same', () => {
  const asked = { past: 0.5, general: 0, seed: 3 }
  const given = { fresh: 100, past: rows('p', 30), general: rows('g', 5) }
  const drawn = drawReplay(given, asked)
  expect(drawn.past).toEqual(rows('p', 30))
  expect(drawn.left).toEqual(rows('g', 5))
  const more = { ...given, past: rows('p', 300) }
  expect(drawReplay(more, asked)).toEqual(drawReplay(more, asked))
  expect(drawReplay(more, asked).past).not.toEqual(drawReplay(more, { ...asked, seed: 4 }).past)
})

test('every row is drawn or left, once', () => {
  const share = fc.double({ min: 0, max: 0.49, noNaN: true })
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), fc.nat(50), share, share, (fresh, past, general, a, b) => {
      const given = { fresh, past: rows('p', past), general: rows('g', general) }
      const drawn = drawReplay(given, { past: a, general: b, seed: 1 })
      const all = [...drawn.past, ...drawn.general, ...drawn.left]
      expect(all.sort()).toEqual([...given.past, ...given.general].sort())
      const total = fresh / (1 - a - b)
      expect(drawn.past.length).toBe(Math.min(past, Math.round(total * a)))
    }),
  )
})

test('shares that leave no room for new rows are refused', () => {
  expect(() => drawReplay({ fresh: 1, past: [], general: [] }, { past: 0.5, general: 0.5, seed: 1 })).toThrow(
    RangeError,
  )
})

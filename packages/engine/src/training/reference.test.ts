import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mismatchedPairing, referenceItems, referenceLines } from './reference.ts'

const messages = [{ role: 'user', content: 'where' }]

test('mismatched pairs: nobody keeps their own answer, and each answer serves once', () => {
  const property = fc.property(fc.integer({ min: 2, max: 200 }), fc.integer(), (count, seed) => {
    const partners = mismatchedPairing(count, seed)
    expect(partners.every((partner, i) => partner !== i)).toBe(true)
    expect(new Set(partners).size).toBe(count)
    expect(mismatchedPairing(count, seed)).toEqual(partners)
  })
  fc.assert(property, { numRuns: 50 })
  expect(mismatchedPairing(50, 1)).not.toEqual(mismatchedPairing(50, 2))
  expect(() => mismatchedPairing(1, 1)).toThrow(/at least two/)
})

test('items to score and the lines of their scores go together', () => {
  const pairs = [
    { messages, chosen: 'a', rejected: 'b' },
    { messages, chosen: 'c', rejected: 'd' },
  ]
  expect(referenceItems('dpo', pairs, 1).map(({ completion }) => completion)).toEqual(['a', 'b', 'c', 'd'])
  expect(referenceLines('dpo', [[-1, -2], [-3], [-4], [-0.5, -0.5]])).toEqual([
    { chosen: -3, rejected: -3 },
    { chosen: -4, rejected: -1 },
  ])
  const rated = ['a', 'b', 'c'].map((completion) => ({ messages, completion, label: true }))
  const items = referenceItems('kto', rated, 1)
  expect(items.filter((_, i) => i % 2 === 0).map(({ completion }) => completion)).toEqual(['a', 'b', 'c'])
  for (let i = 0; i < 6; i += 2) expect(items[i]!.completion).not.toBe(items[i + 1]!.completion)
  expect(referenceLines('kto', [[-1], [-9]])).toEqual([{ completion: -1, mismatched: -9 }])
  expect(referenceItems('sft', rated, 1)).toEqual([])
})

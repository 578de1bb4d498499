import { expect, test } from 'vitest'
import type { MeasuredItem } from './measurement.ts'
import { summarizePreferences } from './preferences.ts'
import { type Preference, pairwise } from './suites/pairwise.ts'

function item(ahead: Preference, behind: Preference, lengthDifference: number, index: number): MeasuredItem {
  const score = pairwise(ahead, behind)
  const compared = { ahead, behind, lengthDifference }
  return { id: String(index), answer: '', score, correct: score === 1, compared }
}

test('wins, ties and pairs in which the order decided are counted', () => {
  const items = [
    item('first', 'second', 10, 0),
    item('first', 'first', 20, 1),
    item('second', 'second', 5, 2),
    item('tie', 'second', -5, 3),
    item('second', 'first', -10, 4),
    item('tie', 'tie', 0, 5),
  ]
  expect(summarizePreferences(items)).toMatchObject({ winRate: 0.5, ties: 4, orderDecided: 2 })
  expect(summarizePreferences([{ id: 'a', answer: 'x', score: 1, correct: true }])).toBe(null)
})

test('a judge that prefers what is longer shows an effect of length, and no merit at equal length', () => {
  const judged = (difference: number, index: number) =>
    difference > 0 ? item('first', 'second', difference, index) : item('second', 'first', difference, index)
  // Three of four answers are longer, and each longer one is preferred.
  const items = Array.from({ length: 80 }, (_, i) =>
    judged((i % 4 === 0 ? -1 : 1) * (50 + ((i * 37) % 60)), i),
  )
  const { winRate, atEqualLength } = summarizePreferences(items)!
  expect(winRate).toBe(0.75)
  expect(atEqualLength!.lengthEffect).toBeGreaterThan(2)
  expect(atEqualLength!.low).toBeLessThan(0.5)
  expect(atEqualLength!.high).toBeGreaterThan(0.5)
  // Of one end user's items the first counts; of equal differences length cannot be told from merit.
  const clustered = items.map((one) => ({ ...one, cluster: 'ada' }))
  expect(summarizePreferences(clustered)!.atEqualLength).toBe(null)
  const equal = items.map((one) => ({ ...one, compared: { ...one.compared!, lengthDifference: 3 } }))
  expect(summarizePreferences(equal)!.atEqualLength).toBe(null)
})

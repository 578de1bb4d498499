import { expect, test } from 'vitest'
import { rankAuc } from './rank-auc.ts'

test('the area is the share of pairs in the right order, ties counting half', () => {
  const positive = [false, false, true, true]
  expect(rankAuc([1, 2, 3, 4], positive).estimate).toBe(1)
  expect(rankAuc([1, 1, 1, 1], positive).estimate).toBe(0.5)
  // Of 4 pairs: 2 < 3, 2 < 2 is a tie, 1 < 3, 1 < 2.
  expect(rankAuc([2, 1, 3, 2], positive).estimate).toBe(3.5 / 4)
  expect(() => rankAuc([1], [true])).toThrow(RangeError)
})

// Hanley and McNeil 1982: area 0.893 with 51 abnormal and 58 normal cases has the standard error 0.032.
test('the interval has the published standard error', () => {
  const positive = [...Array<boolean>(51).fill(true), ...Array<boolean>(58).fill(false)]
  // Five positives lie below all negatives and one below 26 of them: 2,642 of 2,958 pairs are in order.
  const scores = positive.map((isPositive, i) =>
    isPositive ? (i < 5 ? -1 : i === 5 ? 0.5 : 2) : i < 51 + 26 ? 1 : 0,
  )
  const { estimate, low, high } = rankAuc(scores, positive)
  expect(estimate).toBeCloseTo(0.893, 2)
  expect((high - low) / 2 / 1.96).toBeCloseTo(0.032, 2)
})

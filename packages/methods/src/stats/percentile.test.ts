import { expect, test } from 'vitest'
import { median, percentile } from './percentile.ts'

test('percentiles interpolate as in numpy', () => {
  // numpy 2.4.6: np.percentile([3, 1, 2, 10], [0, 25, 50, 90, 100]).
  const values = [3, 1, 2, 10]
  expect([0, 25, 50, 90, 100].map((percent) => percentile(values, percent))).toEqual([
    1,
    1.75,
    2.5,
    expect.closeTo(7.9, 12),
    10,
  ])
  expect(values).toEqual([3, 1, 2, 10])
})

test('the median is the middle', () => {
  expect(median([5, 100, 1])).toBe(5)
  expect(median([1, 2])).toBe(1.5)
})

test('an empty list and an impossible percentile are refused', () => {
  expect(() => median([])).toThrow(/empty/)
  expect(() => percentile([1], 101)).toThrow(RangeError)
})

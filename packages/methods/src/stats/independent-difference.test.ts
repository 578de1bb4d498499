import { expect, test } from 'vitest'
import { independentDifference } from './independent-difference.ts'

test.each([
  // The first is Newcombe's own example (1998, table II a: 0.0524 to 0.3339); all from statsmodels 0.15.0,
  // confint_proportions_2indep(method='newcomb').
  [56, 70, 48, 80, 0.05243147240236498, 0.33387265403690614],
  [9, 10, 3, 10, 0.1705227239345029, 0.809017973535488],
  [5, 56, 0, 29, -0.038137147903536936, 0.19256001385511165],
  [330, 400, 100, 150, 0.07718547175890973, 0.24416511388181988],
  [0, 10, 0, 20, -0.1611251580528194, 0.27753279986288926],
])('%i of %i less %i of %i', (right, n, otherRight, otherN, low, high) => {
  const interval = independentDifference({ right, n }, { right: otherRight, n: otherN })
  expect(interval.estimate).toBeCloseTo(right / n - otherRight / otherN, 15)
  expect(interval.low).toBeCloseTo(low, 12)
  expect(interval.high).toBeCloseTo(high, 12)
})

test('counts that cannot be are refused', () => {
  expect(() => independentDifference({ right: 3, n: 2 }, { right: 1, n: 2 })).toThrow(RangeError)
  expect(() => independentDifference({ right: 0, n: 0 }, { right: 1, n: 2 })).toThrow(RangeError)
})

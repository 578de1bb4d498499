import { expect, test } from 'vitest'
import { mcnemarExact } from './mcnemar.ts'

// Golden exact p-values: statsmodels 0.15.0, mcnemar(table, exact=True).
test.each([
  [1, 7, 0.0703125],
  [6, 16, 0.052478790283203125],
  [10, 10, 1],
  [59, 6, 4.964650327128616e-12],
  [0, 3, 0.25],
  [121, 59, 4.4344492637551645e-6],
])('%i against %i has the exact p-value of statsmodels', (onlyA, onlyB, expected) => {
  expect(Math.abs(mcnemarExact(onlyA, onlyB).p / expected - 1)).toBeLessThan(1e-12)
  expect(mcnemarExact(onlyB, onlyA)).toEqual(mcnemarExact(onlyA, onlyB))
})

test('the mid-p-values are those of the published examples', () => {
  // Fagerland, Lydersen and Laake 2013: airway hyper-responsiveness (1 against 7), mid-p 0.0391.
  expect(mcnemarExact(1, 7).midP).toBeCloseTo(0.0391, 4)
  // By hand: 4 discordant items split evenly, 1 - C(4, 2) / 2^4 / 2.
  expect(mcnemarExact(2, 2)).toEqual({ p: 1, midP: expect.closeTo(1 - 6 / 32, 14) })
})

test('without discordant items nothing speaks against equality', () => {
  expect(mcnemarExact(0, 0)).toEqual({ p: 1, midP: 1 })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countPairs, pairedDifference } from './paired-difference.ts'

test('the limits are those of a published example', () => {
  // Complete response before and after consolidation (Cavo et al. 2012): -0.0621 (-0.1186 to -0.0046) in
  // Fagerland, Lydersen and Laake 2017, "Statistical Analysis of Contingency Tables", chapter 8, square-and-add interval.
  const { estimate, low, high } = pairedDifference({ both: 59, onlyA: 6, onlyB: 16, neither: 80 })
  expect(estimate).toBeCloseTo(-0.0621, 4)
  expect(low).toBeCloseTo(-0.1186, 4)
  expect(high).toBeCloseTo(-0.0046, 4)
})

test.each([
  // The same formula in Python over the Wilson limits of statsmodels 0.15.0.
  [20, 12, 2, 16, 0.056156424841748265, 0.3292069954001405],
  [1, 1, 7, 12, -0.506920226686141, -0.02555912416485978],
])(
  '%i, %i, %i and %i items have the limits of an independent computation',
  (both, onlyA, onlyB, neither, low, high) => {
    const interval = pairedDifference({ both, onlyA, onlyB, neither })
    expect(interval.low).toBeCloseTo(low, 13)
    expect(interval.high).toBeCloseTo(high, 13)
  },
)

test('two perfect candidates still leave room for a difference', () => {
  // By hand: both margins 100 of 100, phi 0, so each side is the Wilson limit's distance 0.03699 (n = 100).
  const { low, high } = pairedDifference({ both: 100, onlyA: 0, onlyB: 0, neither: 0 })
  expect(low).toBeCloseTo(-0.036994, 5)
  expect(high).toBeCloseTo(0.036994, 5)
})

test('swapping the candidates mirrors the interval, and it stays within -1 and 1', () => {
  const count = fc.nat(200)
  fc.assert(
    fc.property(count, count, count, fc.integer({ min: 1, max: 200 }), (both, onlyA, onlyB, neither) => {
      const one = pairedDifference({ both, onlyA, onlyB, neither })
      const other = pairedDifference({ both, onlyA: onlyB, onlyB: onlyA, neither })
      expect(other.low).toBeCloseTo(-one.high, 12)
      expect(other.high).toBeCloseTo(-one.low, 12)
      expect(one.low).toBeGreaterThanOrEqual(-1)
      expect(one.high).toBeLessThanOrEqual(1)
      expect(one.low).toBeLessThanOrEqual(one.estimate)
      expect(one.high).toBeGreaterThanOrEqual(one.estimate)
    }),
  )
})

test('pairs are counted in order', () => {
  expect(countPairs([true, true, false, false, false], [true, false, true, false, false])).toEqual({
    both: 1,
    onlyA: 1,
    onlyB: 1,
    neither: 2,
  })
  expect(() => countPairs([true], [])).toThrow(/differ in length/)
})

test('no items and broken counts are refused', () => {
  expect(() => pairedDifference({ both: 0, onlyA: 0, onlyB: 0, neither: 0 })).toThrow(RangeError)
  expect(() => pairedDifference({ both: -1, onlyA: 2, onlyB: 0, neither: 0 })).toThrow(RangeError)
})

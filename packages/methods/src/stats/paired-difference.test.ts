import fc from 'fast-check'
import { expect, test } from 'vitest'
import golden from './comparisons-golden.json' with { type: 'json' }
import { countPairs, pairedDifference } from './paired-difference.ts'

// scipy with the constrained likelihood maximised numerically: scripts/parity/comparisons_golden.py.
test.each(golden.scoreLimits)(
  '$onlyA against $onlyB of $n items have the limits of an independent computation',
  ({ onlyA, onlyB, n, level, low, high }) => {
    const interval = pairedDifference({ both: n - onlyA - onlyB, onlyA, onlyB, neither: 0 }, level)
    expect(interval.low).toBeCloseTo(low, 7)
    expect(interval.high).toBeCloseTo(high, 7)
  },
)

test('two perfect candidates still leave room for a difference', () => {
  // By hand: without discordant items the limit is Wilson's for 0 of 100, z² / (n + z²).
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

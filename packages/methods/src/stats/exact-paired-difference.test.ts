import fc from 'fast-check'
import { expect, test } from 'vitest'
import golden from './comparisons-golden.json' with { type: 'json' }
import { exactPairedDifference } from './exact-paired-difference.ts'

const of = (n: number, onlyA: number, onlyB: number) => ({
  both: n - onlyA - onlyB,
  onlyA,
  onlyB,
  neither: 0,
})

// numpy and scipy: all outcomes summed, over a finer grid of shares (scripts/parity/comparisons_golden.py).
test.each(golden.exactLower)(
  '$onlyA against $onlyB of $n items have the bounds of an enumeration',
  ({ onlyA, onlyB, n, alpha, low }) => {
    expect(Math.abs(exactPairedDifference(of(n, onlyA, onlyB), alpha).low - low)).toBeLessThan(1e-3)
    expect(Math.abs(exactPairedDifference(of(n, onlyB, onlyA), alpha).high + low)).toBeLessThan(1e-3)
  },
)

test('an item won more raises both bounds, swapped candidates mirror them, and the estimate lies between', () => {
  const count = fc.nat(12)
  fc.assert(
    fc.property(count, count, fc.nat(30), (onlyA, onlyB, rest) => {
      const n = onlyA + onlyB + rest + 1
      const { estimate, low, high } = exactPairedDifference(of(n, onlyA, onlyB))
      const more = exactPairedDifference(of(n, onlyA + 1, onlyB))
      expect(more.low).toBeGreaterThanOrEqual(low)
      expect(more.high).toBeGreaterThanOrEqual(high)
      expect(exactPairedDifference(of(n, onlyB, onlyA))).toMatchObject({ low: -high, high: -low })
      expect(low).toBeLessThanOrEqual(estimate)
      expect(high).toBeGreaterThanOrEqual(estimate)
    }),
    { numRuns: 15 },
  )
})

test('bounds without discordant items are those of the binomial distribution', () => {
  // By hand: nothing only A wins in 59 items has the probability 0.05 at 1 - 0.05^(1/59); a share of alpha is charged.
  const { low, high } = exactPairedDifference(of(59, 0, 0))
  expect(high).toBe(-low)
  expect(high).toBeCloseTo(1 - 0.0499 ** (1 / 59), 3)
})

test('one item tells next to nothing, and all items one way reach the end', () => {
  // By hand: at a difference of -0.9 and every item discordant A wins the one item with probability 0.05.
  expect(exactPairedDifference(of(1, 1, 0)).low).toBeCloseTo(-0.9, 2)
  expect(exactPairedDifference(of(1, 1, 0)).high).toBe(1)
  expect(() => exactPairedDifference(of(0, 0, 0))).toThrow(RangeError)
  expect(() => exactPairedDifference(of(9, 1, 1), 0.5)).toThrow(/alpha/)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equivalence } from './equivalence.ts'
import { nonInferiority } from './non-inferiority.ts'
import { superiority } from './superiority.ts'

const of = (n: number, onlyA: number, onlyB: number) => ({
  both: n - onlyA - onlyB,
  onlyA,
  onlyB,
  neither: 0,
})

test('equal candidates are equivalent with enough items, and few items cannot tell', () => {
  expect(equivalence(of(1000, 50, 50), 0.05).outcome).toBe('pass')
  expect(equivalence(of(100, 5, 5), 0.02).outcome).toBe('cannot-tell')
})

test('a difference beyond the margin fails either way, and a gain is no equivalence', () => {
  expect(equivalence(of(1000, 10, 150), 0.05).outcome).toBe('fail')
  expect(equivalence(of(1000, 150, 10), 0.05).outcome).toBe('fail')
  expect(nonInferiority(of(1000, 150, 10), 0.05).outcome).toBe('pass')
})

test('what is equivalent is no worse than the margin either way round, and mirrored items decide alike', () => {
  const count = fc.nat(40)
  fc.assert(
    fc.property(count, count, fc.nat(150), (onlyA, onlyB, rest) => {
      const counts = of(onlyA + onlyB + rest + 1, onlyA, onlyB)
      const mirrored = of(onlyA + onlyB + rest + 1, onlyB, onlyA)
      const { outcome } = equivalence(counts, 0.06)
      expect(equivalence(mirrored, 0.06).outcome).toBe(outcome)
      const both = [nonInferiority(counts, 0.06), nonInferiority(mirrored, 0.06)]
      expect(outcome === 'pass').toBe(both.every((decision) => decision.outcome === 'pass'))
    }),
    { numRuns: 8 },
  )
})

test('better is shown by a lower bound above 0, worse by an upper bound below it', () => {
  expect(superiority(of(100, 20, 5)).outcome).toBe('pass')
  expect(superiority(of(100, 5, 20)).outcome).toBe('fail')
  expect(superiority(of(100, 12, 10)).outcome).toBe('cannot-tell')
})

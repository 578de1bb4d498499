import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialTail } from './binomial.ts'
import golden from './comparisons-golden.json' with { type: 'json' }
import { pairedPermutation } from './paired-permutation.ts'

test.each(golden.permutation)(
  'all flips of $differences give the p-value of scipy ($alternative)',
  (example) => {
    const alternative = example.alternative as 'two-sided' | 'greater' | 'less'
    const { estimate, p } = pairedPermutation(example.differences, { seed: 1, alternative })
    expect(p).toBeCloseTo(example.p, 12)
    expect(estimate).toBeCloseTo(example.mean, 12)
  },
)

test('random flips come near the exact p-value, never reach 0, and are decided by the seed', () => {
  // Of 40 items 30 are better: a sign test, exactly P(30 or more of 40).
  const differences = Array.from({ length: 40 }, (_, i) => (i < 30 ? 1 : -1))
  const options = { seed: 5, permutations: 20_000, alternative: 'greater' } as const
  const { p } = pairedPermutation(differences, options)
  expect(Math.abs(p - binomialTail(30, 40, 0.5))).toBeLessThan(0.001)
  expect(pairedPermutation(differences, options).p).toBe(p)
  expect(pairedPermutation(differences.map(Math.abs), { ...options, permutations: 100 }).p).toBe(1 / 101)
})

test('items without a difference change the mean and not the p-value; mirrored ones have the same', () => {
  const differences = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(differences, (values) => {
      const { p } = pairedPermutation(values, { seed: 2 })
      expect(pairedPermutation([...values, 0, 0], { seed: 2 }).p).toBeCloseTo(p, 12)
      const mirrored = values.map((value) => -value)
      expect(pairedPermutation(mirrored, { seed: 2 }).p).toBeCloseTo(p, 12)
      const greater = pairedPermutation(values, { seed: 2, alternative: 'greater' }).p
      expect(pairedPermutation(mirrored, { seed: 2, alternative: 'less' }).p).toBeCloseTo(greater, 12)
    }),
  )
})

test('nothing to flip is no evidence, and broken values are refused', () => {
  expect(pairedPermutation([0, 0, 0], { seed: 1 })).toEqual({ estimate: 0, p: 1 })
  expect(() => pairedPermutation([], { seed: 1 })).toThrow(/at least 1/)
  expect(() => pairedPermutation([Number.NaN], { seed: 1 })).toThrow(/finite/)
})

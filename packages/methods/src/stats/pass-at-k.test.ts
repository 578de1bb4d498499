import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialPmf } from './binomial.ts'
import golden from './estimates-golden.json' with { type: 'json' }
import { meanPassAtK, passAtK } from './pass-at-k.ts'

test('values are those of exact fractions', () => {
  for (const { n, c, k, value } of golden.passAtK) expect(passAtK(n, c, k)).toBeCloseTo(value, 12)
})

test('it is unbiased: over the chance of c it averages to the true pass@k', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.integer({ min: 1, max: 12 }), (p, k) => {
      const n = 16
      let mean = 0
      for (let c = 0; c <= n; c++) mean += binomialPmf(c, n, p) * passAtK(n, c, k)
      expect(mean).toBeCloseTo(1 - (1 - p) ** k, 10)
    }),
  )
})

test('the mean over problems has an interval over problems', () => {
  const problems = Array.from({ length: 60 }, (_, i) => ({ n: 20, c: i % 5 === 0 ? 10 : i % 3 }))
  const { estimate, low, high } = meanPassAtK(problems, 4, { seed: 1, resamples: 2000 })
  const values = problems.map(({ n, c }) => passAtK(n, c, 4))
  const mean = values.reduce((sum, value) => sum + value) / 60
  const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 60 / 60)
  expect(estimate).toBeCloseTo(mean, 12)
  expect((high - low) / 2 / 1.96).toBeCloseTo(error, 2)
})

test('impossible counts are refused', () => {
  expect(() => passAtK(5, 6, 1)).toThrow(/6 right answers among 5/)
  expect(() => passAtK(5, 1, 6)).toThrow(/draw at least 6/)
  expect(() => passAtK(5, 1, 0)).toThrow(RangeError)
})

import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { fisherExact } from './fisher.ts'
import golden from './fixtures/estimates.json' with { type: 'json' }
import { unpairedPermutation } from './unpaired-permutation.ts'

const ALTERNATIVES = ['two-sided', 'greater', 'less'] as const

test('p-values come near those of all permutations, as scipy enumerates them', () => {
  const { a, b, pValues } = golden.unpairedPermutation
  for (const alternative of ALTERNATIVES) {
    const { pValue } = unpairedPermutation(a, b, { seed: 4, permutations: 20_000, alternative })
    const p = pValues[alternative]
    expect(Math.abs(pValue - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 20_000) + 1e-4)
  }
})

test('for right and wrong answers it is the one-sided exact test', () => {
  const answers = (right: number, n: number) => Array.from({ length: n }, (_, i) => (i < right ? 1 : 0))
  const p = fisherExact({ right: 8, n: 8 }, { right: 3, n: 9 }, 'greater')
  const options = { seed: 1, permutations: 20_000, alternative: 'greater' as const }
  const { pValue, difference } = unpairedPermutation(answers(8, 8), answers(3, 9), options)
  expect(difference).toBeCloseTo(1 - 3 / 9, 12)
  expect(Math.abs(pValue - p)).toBeLessThan(4 * Math.sqrt(p / 20_000))
})

test('a small noisy sample beside a large quiet one does not pass for another mean', () => {
  const random = new Random(11)
  let [rejected, byDifference] = [0, 0]
  const rounds = 200
  for (let round = 0; round < rounds; round++) {
    const a = Array.from({ length: 12 }, () => 4 * random.normal())
    const b = Array.from({ length: 60 }, () => random.normal())
    const { pValue, difference } = unpairedPermutation(a, b, { seed: round, permutations: 199 })
    if (pValue <= 0.05) rejected++
    // What a permutation of plain differences uses: the spread of all values together.
    const all = [...a, ...b]
    const mean = all.reduce((sum, value) => sum + value) / all.length
    const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (all.length - 1)
    if (Math.abs(difference) > 1.96 * Math.sqrt(variance * (1 / 12 + 1 / 60))) byDifference++
  }
  expect(rejected / rounds).toBeLessThan(0.1)
  expect(byDifference / rounds).toBeGreaterThan(0.2)
})

test('equal samples give p = 1, p is never 0, and too few values are refused', () => {
  const options = { seed: 1, permutations: 100 }
  expect(unpairedPermutation([0.1, 0.1], [0.1, 0.1, 0.1], options)).toEqual({ difference: 0, pValue: 1 })
  const apart = unpairedPermutation(Array(30).fill(1), Array(30).fill(0), options)
  expect(apart.pValue).toBe(1 / 101)
  expect(() => unpairedPermutation([1], [1, 2], options)).toThrow(/at least 2/)
  expect(() => unpairedPermutation([1, Number.NaN], [1, 2], options)).toThrow(/finite/)
})

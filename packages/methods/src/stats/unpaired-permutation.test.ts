import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import golden from './estimates-golden.json' with { type: 'json' }
import { fisherExact } from './fisher.ts'
import { unpairedPermutation } from './unpaired-permutation.ts'

const ALTERNATIVES = ['two-sided', 'greater', 'less'] as const

test('p-values are those of scipy over all 2,002 divisions, and random ones come near', () => {
  const { a, b, pValues } = golden.unpairedPermutation
  for (const alternative of ALTERNATIVES) {
    const p = pValues[alternative]
    expect(unpairedPermutation(a, b, { seed: 4, alternative }).p).toBeCloseTo(p, 12)
    const random = unpairedPermutation(a, b, { seed: 4, permutations: 2001, alternative })
    expect(Math.abs(random.p - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 2001) + 1e-3)
  }
})

test('for right and wrong answers it is the one-sided exact test', () => {
  const answers = (right: number, n: number) => Array.from({ length: n }, (_, i) => (i < right ? 1 : 0))
  const p = fisherExact({ right: 8, n: 8 }, { right: 3, n: 9 }, 'greater')
  const options = { seed: 1, permutations: 30_000, alternative: 'greater' as const }
  const { p: found, estimate } = unpairedPermutation(answers(8, 8), answers(3, 9), options)
  expect(estimate).toBeCloseTo(1 - 3 / 9, 12)
  expect(found).toBeCloseTo(p, 10)
})

test('a small noisy sample beside a large quiet one does not pass for another mean', () => {
  const random = new Random(11)
  let [rejected, byDifference] = [0, 0]
  const rounds = 100
  for (let round = 0; round < rounds; round++) {
    const a = Array.from({ length: 12 }, () => 4 * random.normal())
    const b = Array.from({ length: 60 }, () => random.normal())
    const { p, estimate } = unpairedPermutation(a, b, { seed: round, permutations: 199 })
    if (p <= 0.05) rejected++
    // What a permutation of plain differences uses: the spread of all values together.
    const all = [...a, ...b]
    const mean = all.reduce((sum, value) => sum + value) / all.length
    const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (all.length - 1)
    if (Math.abs(estimate) > 1.96 * Math.sqrt(variance * (1 / 12 + 1 / 60))) byDifference++
  }
  expect(rejected / rounds).toBeLessThan(0.1)
  expect(byDifference / rounds).toBeGreaterThan(0.2)
})

test('equal samples give p = 1, p is never 0, and too few values are refused', () => {
  const options = { seed: 1, permutations: 100 }
  expect(unpairedPermutation([0.1, 0.1], [0.1, 0.1, 0.1], options).p).toBe(1)
  const apart = unpairedPermutation(Array(30).fill(1), Array(30).fill(0), options)
  expect(apart.p).toBe(1 / 101)
  expect(() => unpairedPermutation([1], [1, 2], options)).toThrow(/at least 2/)
  expect(() => unpairedPermutation([1, Number.NaN], [1, 2], options)).toThrow(/finite/)
})

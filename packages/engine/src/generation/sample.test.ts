import { readFileSync } from 'node:fs'
import { Random } from '@regraft/methods'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { candidates, chooseToken, mostProbableTokens, type Sampling } from './sample.ts'

interface Golden {
  distributions: number[][]
  results: { distribution: number; sampling: Sampling; tokens: number[]; probabilities: number[] }[]
}

// What transformers' samplers leave, by scripts/parity/sampling.py (versions in the file).
const golden = JSON.parse(
  readFileSync(new URL('../../../../bench/golden/sampling.json', import.meta.url), 'utf8'),
) as Golden

test.each(golden.results)(
  '$sampling leaves of distribution $distribution what transformers leaves',
  (row) => {
    const { tokens, weights } = candidates(
      Float32Array.from(golden.distributions[row.distribution]!),
      row.sampling,
    )
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const found = new Map(tokens.map((token, i) => [token, weights[i]! / total]))
    for (const [i, token] of row.tokens.entries()) {
      // What is less probable than 32 nats below the best one is never drawn.
      expect(found.get(token) ?? 0).toBeCloseTo(row.probabilities[i]!, 5)
      found.delete(token)
    }
    expect([...found.keys()]).toEqual([])
  },
)

test('tokens are drawn as often as they are probable', () => {
  const scores = Float32Array.from([0.5, 0.3, 0.15, 0.05], Math.log)
  const random = new Random(1, 'draws')
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 20_000; i++) counts[chooseToken(scores, { temperature: 1 }, random)]!++
  // Five standard deviations of a share are at most 0.018.
  for (const [i, share] of [0.5, 0.3, 0.15, 0.05].entries())
    expect(Math.abs(counts[i]! / 20_000 - share)).toBeLessThan(0.018)
})

test('a temperature of 0 takes the most probable token, the lowest id among equals', () => {
  expect(chooseToken(Float32Array.of(-3, -1, -1, -2), { temperature: 0, topP: 0.1 }, new Random(1))).toBe(1)
})

test('the n most probable tokens are those of a full sort', () => {
  const scores = fc.array(fc.integer({ min: -9, max: 0 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(scores, fc.integer({ min: 1, max: 30 }), (values, n) => {
      const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b)
      expect(mostProbableTokens(Float32Array.from(values), n)).toEqual(sorted.slice(0, n))
    }),
  )
})

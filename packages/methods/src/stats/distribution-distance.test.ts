import fc from 'fast-check'
import { expect, test } from 'vitest'
import { distributionDistance } from './distribution-distance.ts'

const logs = (...probabilities: number[]) => probabilities.map(Math.log)

test('a hand-computed pair', () => {
  const found = distributionDistance(logs(0.5, 0.25, 0.25), logs(0.25, 0.5, 0.25))
  // KL = 0.5·ln 2 + 0.25·ln 0.5 = 0.25·ln 2.
  expect(found.divergence).toBeCloseTo(0.25 * Math.LN2, 12)
  expect(found.variation).toBeCloseTo(0.25, 12)
  expect(found.largest).toBeCloseTo(Math.LN2, 12)
  expect(found.sameFirst).toBe(false)
})

test('of impossible outcomes only those that one side finds possible count', () => {
  const nothing = Number.NEGATIVE_INFINITY
  expect(distributionDistance([0, nothing], [0, nothing])).toEqual({
    ...{ largest: 0, divergence: 0, variation: 0, sameFirst: true },
  })
  expect(distributionDistance([0, nothing], [nothing, 0])).toMatchObject({
    divergence: Number.POSITIVE_INFINITY,
    variation: 1,
  })
  expect(() => distributionDistance([0], [0, nothing])).toThrow(RangeError)
})

const distribution = fc
  .array(fc.double({ min: -20, max: 5, noNaN: true }), { minLength: 4, maxLength: 4 })
  .map((scores) => {
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0)
    return scores.map((score) => score - Math.log(total))
  })

test("Pinsker's inequality holds: variation is at most the root of half the divergence", () => {
  fc.assert(
    fc.property(distribution, distribution, (p, q) => {
      const { divergence, variation } = distributionDistance(p, q)
      // Squared: the rounding of the divergence is far below its own size, not below that of its root.
      expect(variation ** 2).toBeLessThanOrEqual(divergence / 2 + 1e-12)
      expect(distributionDistance(q, p).variation).toBeCloseTo(variation, 10)
    }),
  )
})

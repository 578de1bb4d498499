import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { delongAuc, delongDifference } from './delong.ts'
import golden from './estimates-golden.json' with { type: 'json' }
import { rankAuc } from './rank-auc.ts'

// Patients of DeLong, DeLong and Clarke-Pearson 1988; area and error by the package confidenceinterval 1.0.5.
const { positive, scorers, differences } = golden.delong
const Z = 1.959963984540054

function byKind(scores: readonly number[]) {
  return {
    positives: scores.filter((_, i) => positive[i]),
    negatives: scores.filter((_, i) => !positive[i]),
  }
}

test('the three scores of the paper’s patients have the areas and errors of another implementation', () => {
  for (const { scores, area, error } of scorers) {
    const { positives, negatives } = byKind(scores)
    const { estimate, low, high } = delongAuc(positives, negatives)
    // That implementation holds scores in single precision.
    expect(estimate).toBeCloseTo(area, 6)
    expect(estimate).toBeCloseTo(rankAuc(scores, positive).estimate, 12)
    const logit = (p: number) => Math.log(p / (1 - p))
    const half = (Z * error) / (area * (1 - area))
    expect(logit(high) - logit(area)).toBeCloseTo(half, 5)
    expect(logit(area) - logit(low)).toBeCloseTo(half, 5)
  }
})

test('differences are those of the definition by pairs', () => {
  for (const { first, second, estimate, error, pValue } of differences) {
    const difference = delongDifference(byKind(scorers[first]!.scores), byKind(scorers[second]!.scores))
    expect(difference.estimate).toBeCloseTo(estimate, 12)
    expect(difference.high).toBeCloseTo(estimate + Z * error, 10)
    expect(difference.low).toBeCloseTo(estimate - Z * error, 10)
    expect(difference.p).toBeCloseTo(pValue, 10)
  }
})

test('a rising transformation changes nothing, and scores of the opposite sign mirror the interval', () => {
  const scores = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 25 })
  fc.assert(
    fc.property(scores, scores, (positives, negatives) => {
      const interval = delongAuc(positives, negatives)
      const bent = (values: number[]) => values.map((value) => value ** 3 + 7)
      expect(delongAuc(bent(positives), bent(negatives))).toEqual(interval)
      const negated = (values: number[]) => values.map((value) => -value)
      const mirrored = delongAuc(negated(positives), negated(negatives))
      expect(mirrored.low).toBeCloseTo(1 - interval.high, 9)
      expect(mirrored.high).toBeCloseTo(1 - interval.low, 9)
      expect(interval.low).toBeGreaterThanOrEqual(0)
      expect(interval.low).toBeLessThanOrEqual(interval.estimate)
      expect(interval.high).toBeGreaterThanOrEqual(interval.estimate)
      expect(interval.high).toBeLessThanOrEqual(1)
    }),
  )
})

test('perfect separation still has a lower bound, from as many pairs as the smaller kind has items', () => {
  const { estimate, low, high } = delongAuc([5, 6, 7, 8], [1, 2, 3, 4, 4])
  expect([estimate, high]).toEqual([1, 1])
  expect(low).toBeCloseTo(0.025 ** (1 / 4), 9)
  expect(delongAuc([1, 2], [3, 4]).high).toBeCloseTo(1 - 0.025 ** (1 / 2), 9)
  expect(delongAuc([1, 1], [1, 1])).toMatchObject({ estimate: 0.5, low: 0.5, high: 0.5 })
})

test('intervals cover, and equal scorers are told apart as seldom as the level says', () => {
  const random = new Random(51)
  const rounds = 250
  let [covered, told] = [0, 0]
  for (let round = 0; round < rounds; round++) {
    const draw = (n: number, shift: number) => {
      const items = Array.from({ length: n }, () => random.normal() + shift)
      return [0, 1].map(() => items.map((item) => item + random.normal()))
    }
    const [positives, negatives] = [draw(40, 1.5), draw(60, 0)]
    // Φ(1.5 / 2)
    const { low, high } = delongAuc(positives[0]!, negatives[0]!)
    if (low <= 0.7733726 && 0.7733726 <= high) covered++
    const scorer = (which: 0 | 1) => ({ positives: positives[which]!, negatives: negatives[which]! })
    if (delongDifference(scorer(0), scorer(1)).p <= 0.05) told++
  }
  expect(Math.abs(covered / rounds - 0.95)).toBeLessThan(0.035)
  expect(Math.abs(told / rounds - 0.05)).toBeLessThan(0.035)
})

test('scores that cannot be compared are refused', () => {
  expect(() => delongAuc([1], [1, 2])).toThrow(/positive items/)
  expect(() => delongAuc([1, Number.NaN], [1, 2])).toThrow(/finite/)
  const two = { positives: [1, 2], negatives: [0, 1] }
  expect(() => delongDifference(two, { positives: [1, 2, 3], negatives: [0, 1] })).toThrow(/same items/)
  expect(delongDifference(two, two)).toMatchObject({ estimate: 0, p: 1 })
})

import { expect, test } from 'vitest'
import { decideEquivalent } from './decide-equivalent.ts'

/** Scores of 1 for the first items: `right` of n. */
const scores = (right: number, n = 2000) => Array.from({ length: n }, (_, item) => (item < right ? 1 : 0))
const thresholds = { margin: 0.02, alpha: 0.05 }

test('seeds that differ little from the registered adapter are equivalent', () => {
  const rebuilt = [scores(1802), scores(1796), scores(1800)]
  const verdict = decideEquivalent({ registered: scores(1800), rebuilt }, null, thresholds)
  expect(verdict).toMatchObject({ outcome: 'pass', finding: 'EQUIVALENT', n: 2000 })
  expect(verdict.reason).toMatch(
    /3 rebuilt adapters reach 90.0 % of 2000 items .* the registered one 90.0 %; margin 2 points/,
  )
})

test('seeds that all lost more than the margin have drifted, and so have seeds that gained it', () => {
  const worse = [scores(1600), scores(1610), scores(1590)]
  const verdict = decideEquivalent({ registered: scores(1800), rebuilt: worse }, null, thresholds)
  expect(verdict).toMatchObject({ outcome: 'fail', finding: 'DRIFTED' })
  expect(verdict.interval!.high).toBeLessThan(-0.02)
  const better = decideEquivalent(
    { registered: scores(1600), rebuilt: [1790, 1800, 1810].map((n) => scores(n)) },
    null,
    thresholds,
  )
  expect(better.finding).toBe('DRIFTED')
})

test('seeds that vary are no evidence, however alike their mean: it says how many would settle it', () => {
  const rebuilt = [scores(1780), scores(1800), scores(1820)]
  const verdict = decideEquivalent({ registered: scores(1800), rebuilt }, null, thresholds)
  expect(verdict.outcome).toBe('cannot-tell')
  expect(verdict.effect).toBeCloseTo(0, 12)
  // By hand: 2.920 · 0.01 · √(4/3) = 0.0337: the registered adapter is one draw of seeds that vary by a point.
  expect(verdict.interval!.high).toBeCloseTo(0.0337, 4)
  // 1.895 · 0.01 · √(9/8) = 0.0201 with 8 seeds, 1.860 · 0.01 · √(10/9) = 0.0196 with 9.
  expect(verdict.reason).toMatch(/about 9 seeds would settle it: --seeds 9$/)
})

test('seeds that vary by more than the margin cannot be settled by any number', () => {
  const rebuilt = [scores(1600), scores(1800), scores(2000)]
  const verdict = decideEquivalent({ registered: scores(1800), rebuilt }, null, thresholds)
  expect(verdict.outcome).toBe('cannot-tell')
  expect(verdict.needed).toBeUndefined()
  expect(verdict.reason).toMatch(/no number of items does$/)
})

test('with graded scores both must be equivalent', () => {
  const half = (right: number) => scores(right).map((score) => score * 0.5)
  const accuracy = { registered: scores(1800), rebuilt: [scores(1800), scores(1801), scores(1799)] }
  const graded = { registered: scores(1800), rebuilt: [half(1800), half(1801), half(1799)] }
  const verdict = decideEquivalent(accuracy, graded, thresholds)
  expect(verdict).toMatchObject({ outcome: 'fail', finding: 'DRIFTED', unit: 'mean score' })
  expect(verdict.parts!.map(({ finding }) => finding)).toEqual(['EQUIVALENT', 'DRIFTED'])
})

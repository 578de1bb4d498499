import { expect, test } from 'vitest'
import { decideGap } from './decide-gap.ts'

const scored = (name: string, right: number, n: number) => ({
  ...{ name, measurement: name },
  correct: Array.from({ length: n }, (_, index) => index < right),
})
const thresholds = { margin: 0.05, alpha: 0.05 }

test('a frozen score far above the fresh one is the alarm', () => {
  const verdict = decideGap(scored('frozen suite', 380, 400), scored('fresh suite', 105, 150), thresholds)
  expect(verdict).toMatchObject({ outcome: 'fail', n: 550, evidence: ['frozen suite', 'fresh suite'] })
  expect(verdict.effect).toBeCloseTo(0.25, 12)
  expect(verdict.interval!.low).toBeGreaterThan(0.05)
  expect(verdict.reason).toMatch(/leaked/)
})

test('the same score on many items passes, and so does a fresh score that is better', () => {
  expect(decideGap(scored('f', 1600, 2000), scored('g', 1600, 2000), thresholds).outcome).toBe('pass')
  expect(decideGap(scored('f', 60, 100), scored('g', 80, 100), thresholds).outcome).toBe('pass')
})

test('few items cannot tell, and the number that would is told', () => {
  const verdict = decideGap(scored('f', 80, 100), scored('g', 38, 50), thresholds)
  expect(verdict.outcome).toBe('cannot-tell')
  expect(verdict.needed).toBeGreaterThan(150)
  // Everything right is no proof on ten items.
  expect(decideGap(scored('f', 10, 10), scored('g', 10, 10), thresholds)).toMatchObject({
    outcome: 'cannot-tell',
  })
  // A gap of exactly the margin is settled by no number: it is planned one point away.
  expect(decideGap(scored('f', 80, 100), scored('g', 75, 100), thresholds).needed).toBeGreaterThan(10_000)
})

import { expect, test } from 'vitest'
import { conjunction, decideBetterThanBase, decideNotWorseThanIncumbent, type ScoredModel } from './decide.ts'
import { commonItems } from './judge.ts'
import type { SuiteMeasurement } from './measurement.ts'

/** `right` of `n` items correct, the first `shift` of them wrong instead of the last ones. */
function scored(name: string, n: number, right: number, shift = 0): ScoredModel {
  const correct = Array.from({ length: n }, (_, i) => i >= shift && i < right + shift)
  return { name, correct, measurement: name }
}

test('a clear gain passes with an interval above zero', () => {
  const verdict = decideBetterThanBase(scored('adapter', 300, 240), scored('base', 300, 30), 0.05)
  expect(verdict.outcome).toBe('pass')
  expect(verdict.effect).toBeCloseTo(0.7)
  expect(verdict.interval!.low).toBeGreaterThan(0.6)
  expect(verdict.needed).toBeUndefined()
})

test('a gain that the items cannot show is never a pass and says how many would', () => {
  const verdict = decideBetterThanBase(scored('adapter', 30, 16, 2), scored('base', 30, 15), 0.05)
  expect(verdict.outcome).toBe('cannot-tell')
  expect(verdict.needed).toBeGreaterThan(30)
})

test('a clear loss fails', () => {
  expect(decideBetterThanBase(scored('adapter', 300, 30), scored('base', 300, 240), 0.05).outcome).toBe(
    'fail',
  )
})

test('equal scores on few items cannot show non-inferiority by two points, on identical answers they can', () => {
  const thresholds = { margin: 0.02, alpha: 0.05 }
  const different = decideNotWorseThanIncumbent(scored('a', 300, 240, 15), scored('b', 300, 240), thresholds)
  expect(different.outcome).toBe('cannot-tell')
  // 10 % of the items are discordant: Regraft's specification gives 1,546 items for 2 points.
  expect(different.needed).toBe(1546)
  const worse = decideNotWorseThanIncumbent(scored('a', 300, 200), scored('b', 300, 240), thresholds)
  expect(worse.outcome).toBe('fail')
})

test('the whole passes only when every part does', () => {
  const part = (outcome: 'pass' | 'fail' | 'cannot-tell') => ({
    outcome,
    title: '',
    reason: '',
    n: 1,
    evidence: [],
  })
  expect(conjunction([part('pass'), part('pass')])).toBe('pass')
  expect(conjunction([part('pass'), part('cannot-tell')])).toBe('cannot-tell')
  expect(conjunction([part('cannot-tell'), part('fail')])).toBe('fail')
})

test('what was measured before an item was burned is compared on the items that are left', () => {
  const measured = (ids: string[]) =>
    ({ items: ids.map((id) => ({ id, answer: 'x', correct: true })) }) as SuiteMeasurement
  expect(
    commonItems([measured(['a', 'b', 'c', 'd']), measured(['d', 'b', 'a']), measured(['a', 'd'])]),
  ).toEqual(['a', 'd'])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { fitBinaryLogistic } from '../stats/binary-logistic.ts'
import { clopperPearsonLower, clopperPearsonUpper } from '../stats/clopper-pearson.ts'
import { capOfUsers, effectiveNumber, isSettled, judgePrecision, judgeRating } from './index.ts'

test('one-sided bounds of a proportion are those of scipy 1.x (beta.ppf)', () => {
  expect(clopperPearsonLower(78, 100)).toBeCloseTo(0.7009882041071218, 9)
  expect(clopperPearsonLower(77, 100)).toBeCloseTo(0.690166383002671, 9)
  expect(clopperPearsonUpper(60, 100)).toBeCloseTo(0.6824739847635005, 9)
  expect([clopperPearsonLower(0, 5), clopperPearsonUpper(5, 5)]).toEqual([0, 1])
})

test('78 of 100 clear a precision of 0.7, and 77 do not', () => {
  expect(judgePrecision(78, 100, { threshold: 0.7 }).outcome).toBe('pass')
  const short = judgePrecision(77, 100, { threshold: 0.7 })
  expect(short).toMatchObject({ outcome: 'cannot-tell', needed: expect.any(Number) })
  expect(short.needed).toBeGreaterThan(100)
  expect(judgePrecision(60, 100, { threshold: 0.7 }).outcome).toBe('fail')
  expect(judgePrecision(0, 0, { threshold: 0.7 })).toMatchObject({ outcome: 'cannot-tell', low: 0, high: 1 })
})

test('settled is what is decided by the bounds, for any counts and threshold', () => {
  const counts = fc
    .integer({ min: 1, max: 300 })
    .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)))
  fc.assert(
    fc.property(counts, fc.double({ min: 0.3, max: 0.95, noNaN: true }), ([right, n], threshold) => {
      const { outcome, low, high } = judgePrecision(right, n, { threshold })
      // Next to a bound the bisection and the tail may round differently.
      fc.pre(Math.abs(low - threshold) > 1e-6 && Math.abs(high - threshold) > 1e-6)
      expect(isSettled(right, n, { threshold })).toBe(outcome !== 'cannot-tell')
      expect(outcome).toBe(low > threshold ? 'pass' : high < threshold ? 'fail' : 'cannot-tell')
    }),
  )
})

test('the lower bound lies below the truth in at least 95 of 100 repetitions', () => {
  const random = new Random(3)
  let covered = 0
  for (let i = 0; i < 2000; i++) {
    let right = 0
    for (let j = 0; j < 60; j++) right += random.uniform() < 0.8 ? 1 : 0
    covered += clopperPearsonLower(right, 60) <= 0.8 ? 1 : 0
  }
  expect(covered / 2000).toBeGreaterThan(0.94)
})

test('a signal of good answers passes by its ratio, one that is as frequent among bad ones does not, whatever the base rate', () => {
  const telling = judgeRating(
    { holds: 80, holdsWithSignal: 40, fails: 20, failsWithSignal: 2 },
    { baseRate: 0.8 },
  )
  // (40.5/81)/(2.5/21) = 4.2; odds 4.2 × 4 = 16.8.
  expect(telling).toMatchObject({ outcome: 'pass', ratio: { estimate: expect.closeTo(4.2, 9) } })
  expect(telling.probability.estimate).toBeCloseTo(16.8 / 17.8, 9)
  const empty = { holds: 800, holdsWithSignal: 400, fails: 200, failsWithSignal: 100 }
  expect(judgeRating(empty, { baseRate: 0.8 }).outcome).toBe('cannot-tell')
  const reversed = { holds: 800, holdsWithSignal: 300, fails: 200, failsWithSignal: 100 }
  expect(judgeRating(reversed, { baseRate: 0.8 }).outcome).toBe('fail')
  // Informative, and what it claims stays improbable.
  const weak = { holds: 100, holdsWithSignal: 30, fails: 900, failsWithSignal: 90 }
  expect(judgeRating(weak, { baseRate: 0.1 })).toMatchObject({ outcome: 'fail' })
})

test('effective numbers, and the cap that keeps one user from being most of them', () => {
  expect(effectiveNumber([3, 3, 3, 3])).toBe(4)
  expect(effectiveNumber([])).toBe(0)
  const users = [900, ...Array<number>(100).fill(1)]
  const cap = capOfUsers(users, 0.5)
  expect(effectiveNumber(users.map((rows) => Math.min(rows, cap)))).toBeCloseTo(50.5, 3)
  expect(capOfUsers([4, 4, 5], 0.5)).toBe(5)
})

test('the regression is that of scipy: minimum of the same penalised loss, inverse of its information', () => {
  const rows = [
    [0.5, 1],
    [1.5, -1],
    [-0.5, 0],
    [2, 1],
    [-1, -2],
    [0.2, 0.3],
    [-1.2, 1.1],
    [0.9, -0.4],
  ]
  const targets = [true, true, false, true, false, false, false, true]
  const { intercept, coefficients } = fitBinaryLogistic(rows, targets)
  expect(intercept).toBeCloseTo(-0.38335171, 5)
  expect(coefficients.map(({ estimate }) => estimate)).toEqual([
    expect.closeTo(1.29409099, 5),
    expect.closeTo(0.12475392, 5),
  ])
  expect(coefficients.map(({ standardError }) => standardError)).toEqual([
    expect.closeTo(0.68455716, 5),
    expect.closeTo(0.68641252, 5),
  ])
})

import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import golden from './comparisons-golden.json' with { type: 'json' }
import { mixtureSprt, normalMixtureSequence } from './normal-mixture.ts'

/** The planned number of values whose prior is the wanted one at level 0.95. */
const plannedFor = (prior: number) => {
  const surprise = -2 * Math.log(0.05)
  return Math.round(prior * (surprise + Math.log1p(surprise)))
}

// scipy.integrate.quad over effect and scale, at a prior of 3 and of 8: about what 24 and 64 planned values give.
test.each(golden.mixture)(
  'the evidence is a ratio of integrals over effect and scale',
  ({ values, prior, evidence }) => {
    const found = mixtureSprt(values, { plannedItems: plannedFor(prior) }).evidence
    expect(Math.abs(found / evidence - 1)).toBeLessThan(0.01)
  },
)

test('the interval is what the test does not refute', () => {
  const values = golden.mixture[1]!.values
  const { low, high } = normalMixtureSequence(values, { plannedItems: 10 })
  const pAt = (mean: number) =>
    mixtureSprt(
      values.map((value) => value - mean),
      { plannedItems: 10 },
    ).p
  expect(pAt(low)).toBeCloseTo(0.05, 6)
  expect(pAt(high)).toBeCloseTo(0.05, 6)
  expect(pAt((low + high) / 2)).toBeGreaterThan(0.05)
})

test('it covers the mean at every look at once', () => {
  const random = new Random(13)
  let missed = 0
  for (let trial = 0; trial < 300; trial++) {
    const values = Array.from({ length: 120 }, () => 3 + 0.2 * random.normal())
    const { low, high } = normalMixtureSequence(values, { plannedItems: 100, level: 0.9 })
    if (low > 3 || high < 3) missed++
  }
  // 46 of 300 would be three standard errors above 10 %.
  expect(missed).toBeLessThan(46)
  expect(missed).toBeGreaterThan(5)
})

test('values without variance say nothing', () => {
  const equal = Array<number>(50).fill(0.1)
  expect(normalMixtureSequence(equal, { plannedItems: 50 })).toMatchObject({ low: -Infinity, high: Infinity })
  expect(mixtureSprt(equal, { plannedItems: 50 }).p).toBe(1)
  expect(() => mixtureSprt([], { plannedItems: 50 })).toThrow(/at least 1/)
  expect(() => mixtureSprt([1], { plannedItems: 0 })).toThrow(/planned items/)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { alternativeSecrets, makeCanaries, SECRET_DIGITS } from './canary.ts'
import { canariesNeeded, exposure, exposureTest, gammaTail, rankOf } from './exposure.ts'

test('p-values are those of Fisher and of the gamma distribution in scipy 1.17.1', () => {
  const { pValue } = exposureTest([5, 100, 250, 16], 512)
  expect(pValue).toBeCloseTo(0.00740441430096574, 14)
  expect(exposureTest(Array(8).fill(1), 512).pValue).toBeCloseTo(3.7045351877326255e-14, 24)
  expect(gammaTail(7, 12.5)).toBeCloseTo(0.03456739357724887, 14)
  expect(gammaTail(8, 3.2)).toBeCloseTo(0.9831701582510425, 14)
})

test('the exposure of the likeliest secret is all the bits there are, that of the least likely is none', () => {
  expect(exposure(1, 511)).toBe(9)
  expect(exposure(512, 511)).toBe(0)
  expect(rankOf(-3, [-5, -3, -1, -9])).toBe(3)
  expect(() => exposure(0, 511)).toThrow(RangeError)
  expect(() => exposureTest([], 511)).toThrow(RangeError)
})

test('models that know nothing are accused no more often than alpha says', () => {
  const random = new Random(11)
  const trials = 2000
  let accused = 0
  for (let trial = 0; trial < trials; trial++) {
    const ranks = Array.from({ length: 8 }, () => 1 + random.integer(256))
    if (exposureTest(ranks, 255).pValue <= 0.05) accused++
  }
  // Three standard errors above 5 %.
  expect(accused / trials).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials))
  expect(accused / trials).toBeGreaterThan(0.025)
})

test('so many canaries as are said to be needed show the exposure with that power', () => {
  const design = { meanExposure: 3, alpha: 0.05, power: 0.8 }
  const count = canariesNeeded(design)
  const random = new Random(5)
  const trials = 2000
  let shown = 0
  for (let trial = 0; trial < trials; trial++) {
    let statistic = 0
    for (let i = 0; i < count; i++) statistic += -Math.log(1 - random.uniform()) * 3 * Math.LN2
    if (gammaTail(count, statistic) <= 0.05) shown++
  }
  expect(shown / trials).toBeGreaterThan(0.77)
  expect(shown / trials).toBeLessThan(0.9)
  expect(() => canariesNeeded({ ...design, meanExposure: 1.4 })).toThrow(RangeError)
})

test('canaries differ, repeat with their seed, and their alternatives are other secrets of the same form', () => {
  const canaries = makeCanaries(50, 7)
  expect(new Set(canaries.map(({ prompt }) => prompt)).size).toBe(50)
  expect(makeCanaries(50, 7)).toEqual(canaries)
  expect(makeCanaries(50, 8)).not.toEqual(canaries)
  fc.assert(
    fc.property(fc.nat(49), fc.nat(1000), (index, seed) => {
      const others = alternativeSecrets(canaries[index]!, 20, new Random(seed))
      expect(new Set(others).size).toBe(20)
      expect(others).not.toContain(canaries[index]!.secret)
      expect(others.every((secret) => new RegExp(`^\\d{${SECRET_DIGITS}}$`).test(secret))).toBe(true)
    }),
  )
})

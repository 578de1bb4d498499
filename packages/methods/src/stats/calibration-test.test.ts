import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { calibrationError } from './calibration-error.ts'
import { calibrationTest } from './calibration-test.ts'

/** Confidences of a model that is right with the probability `truth(p)` where it says p. */
function answers(random: Random, n: number, truth: (p: number) => number) {
  const probabilities = Array.from({ length: n }, () => 0.4 + 0.6 * random.uniform())
  return { probabilities, correct: probabilities.map((p) => random.uniform() < truth(p)) }
}

test('at n = 200 calibrated models mostly fail ECE ≤ 0.05, and the test rejects them as seldom as it says', () => {
  const random = new Random(41)
  const rounds = 100
  let [overFixedLimit, rejected, overQuantile] = [0, 0, 0]
  for (let round = 0; round < rounds; round++) {
    const { probabilities, correct } = answers(random, 200, (p) => p)
    const { squared, expected } = calibrationTest(probabilities, correct, { seed: round, resamples: 119 })
    if (calibrationError(probabilities, correct, 15).expected > 0.05) overFixedLimit++
    if (squared.p <= 0.05) rejected++
    if (expected.observed > expected.quantile) overQuantile++
  }
  expect(overFixedLimit / rounds).toBeGreaterThan(0.7)
  // Two standard errors above 0.05 are 0.09.
  expect(rejected / rounds).toBeLessThan(0.091)
  expect(rejected / rounds).toBeGreaterThan(0)
  expect(overQuantile / rounds).toBeLessThan(0.091)
})

test('a model that is too sure is found', () => {
  const random = new Random(42)
  const rounds = 25
  let found = 0
  for (let round = 0; round < rounds; round++) {
    const { probabilities, correct } = answers(random, 400, (p) => p - 0.12)
    if (calibrationTest(probabilities, correct, { seed: round, resamples: 119 }).squared.p <= 0.05) found++
  }
  expect(found / rounds).toBeGreaterThan(0.9)
})

test('a single probability has the exact binomial p-value', () => {
  // 10 of 10 at 0.5 or 0 of 10: 2 of 1,024 outcomes are as far off.
  const { squared } = calibrationTest(Array(10).fill(0.5), Array(10).fill(true), {
    seed: 1,
    resamples: 50_000,
  })
  expect(Math.abs(squared.p - 2 / 1024)).toBeLessThan(0.0009)
})

test('the seed decides, and certain forecasts that come true are calibrated', () => {
  const { probabilities, correct } = answers(new Random(1), 60, (p) => p)
  const options = { seed: 5, resamples: 200 }
  expect(calibrationTest(probabilities, correct, options)).toEqual(
    calibrationTest(probabilities, correct, options),
  )
  expect(calibrationTest(probabilities, correct, { ...options, seed: 6 })).not.toEqual(
    calibrationTest(probabilities, correct, options),
  )
  const certain = calibrationTest([1, 1, 0, 0], [true, true, false, false], options)
  expect(certain.squared).toEqual({ observed: 0, quantile: 0, p: 1 })
  const refuted = calibrationTest([1, 1, 0, 0], [true, false, false, false], options)
  expect(refuted.expected.p).toBe(1 / 201)
})

import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { calibrationTolerance, itemsForCalibration } from './calibration-tolerance.ts'
import { clopperPearsonLower } from './clopper-pearson.ts'

function items(seed: number, n: number, off: number) {
  const random = new Random(seed, 'calibration-items')
  const probabilities = Array.from({ length: n }, () => 0.3 + 0.6 * random.uniform())
  return { probabilities, correct: probabilities.map((p) => random.uniform() < p - off) }
}

test('a model that is off by the tolerated gap is seldom cleared', () => {
  const runs = 100
  let cleared = 0
  for (let run = 0; run < runs; run++) {
    const { probabilities, correct } = items(run, 120, 0.1)
    const { p } = calibrationTolerance(probabilities, correct, 0.1, { seed: run, resamples: 150 })
    if (p <= 0.05) cleared++
  }
  expect(clopperPearsonLower(cleared, runs, 0.999)).toBeLessThan(0.05)
})

test('the planned number of items clears about four of five calibrated models', () => {
  const { probabilities } = items(1, 400, 0)
  const n = itemsForCalibration(probabilities, 0.15, { seed: 1 })
  const runs = 40
  let cleared = 0
  for (let run = 0; run < runs; run++) {
    const one = items(100 + run, n, 0)
    if (calibrationTolerance(one.probabilities, one.correct, 0.15, { seed: run, resamples: 150 }).p <= 0.05)
      cleared++
  }
  expect(cleared / runs).toBeGreaterThan(0.6)
  expect(cleared / runs).toBeLessThan(0.98)
  expect(itemsForCalibration(probabilities, 0.05, { seed: 1 })).toBeGreaterThan(4 * n)
})

test('a side without room for the gap does not count', () => {
  const sure = Array.from({ length: 300 }, () => 1)
  const all = sure.map(() => true)
  expect(calibrationTolerance(sure, all, 0.1, { seed: 1, resamples: 100 }).p).toBeLessThan(0.02)
})

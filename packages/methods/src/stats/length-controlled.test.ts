import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import golden from './estimates-golden.json' with { type: 'json' }
import { lengthControlledWinRate } from './length-controlled.ts'

const { differences, preferences, interval, lengthEffect, always } = golden.lengthControlled

function expectNear(value: { estimate: number; low: number; high: number }, limits: readonly number[]) {
  for (const [i, found] of [value.estimate, value.low, value.high].entries()) {
    expect(found).toBeCloseTo(limits[i]!, 6)
  }
}

// scipy 1.17.1: the penalised likelihood written out and handed to a general minimiser.
test('rate and effect maximise Firth’s penalised likelihood', () => {
  const judgements = differences.map((lengthDifference, i) => {
    return { lengthDifference, preference: preferences[i]! }
  })
  const rate = lengthControlledWinRate(judgements)
  expectNear(rate, interval)
  expectNear(rate.lengthEffect, lengthEffect)
  expect(rate.raw).toBeCloseTo(preferences.reduce((sum, value) => sum + value) / preferences.length, 12)
})

test('a winner of all judgements keeps a finite rate with a lower bound', () => {
  const judgements = differences.slice(0, 12).map((lengthDifference) => ({ lengthDifference, preference: 1 }))
  const rate = lengthControlledWinRate(judgements)
  expect(rate.raw).toBe(1)
  expectNear(rate, always)
})

test('length alone that wins leaves a rate of one half; the plain rate is fooled', () => {
  const random = new Random(61)
  const rounds = 100
  let [covered, fooled] = [0, 0]
  for (let round = 0; round < rounds; round++) {
    const judgements = Array.from({ length: 250 }, () => {
      const lengthDifference = 100 + 200 * random.normal()
      const p = 1 / (1 + Math.exp(-1.5 * Math.tanh(lengthDifference / 200)))
      return { lengthDifference, preference: random.uniform() < p ? 1 : 0 }
    })
    const { low, high, raw } = lengthControlledWinRate(judgements)
    if (low <= 0.5 && high >= 0.5) covered++
    if (raw > 0.5 + 1.96 * Math.sqrt(0.25 / 250)) fooled++
  }
  expect(Math.abs(covered / rounds - 0.95)).toBeLessThan(0.05)
  expect(fooled / rounds).toBeGreaterThan(0.8)
})

test('answers of one length have the plain rate; a constant difference is refused', () => {
  const even = Array.from({ length: 40 }, (_, i) => ({ lengthDifference: 0, preference: i < 30 ? 1 : 0 }))
  const rate = lengthControlledWinRate(even)
  // Firth's penalty of a single share adds half a win and half a loss.
  expect(rate.estimate).toBeCloseTo(30.5 / 41, 8)
  expect(rate.lengthEffect.high).toBe(Number.POSITIVE_INFINITY)
  const constant = even.map((judgement) => ({ ...judgement, lengthDifference: 12 }))
  expect(() => lengthControlledWinRate(constant)).toThrow(/plain rate/)
  expect(() => lengthControlledWinRate([{ lengthDifference: 0, preference: 2 }, even[0]!])).toThrow(/got 2/)
  expect(() => lengthControlledWinRate(even.slice(0, 1))).toThrow(/at least 2/)
})

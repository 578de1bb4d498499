import fc from 'fast-check'
import { expect, test } from 'vitest'
import golden from './estimates-golden.json' with { type: 'json' }
import { temperatureScaling } from './temperature.ts'

test('the temperature is that of scipy’s minimiser', () => {
  const { logits, labels, temperature, before, after } = golden.temperature
  const fit = temperatureScaling(logits, labels)
  expect(fit.converged).toBe(true)
  // A minimiser that compares values finds the place only to about the root of their precision.
  expect(fit.temperature).toBeCloseTo(temperature, 5)
  expect(fit.before).toBeCloseTo(before, 12)
  expect(fit.after).toBeCloseTo(after, 12)
})

test('two classes of one confidence have a closed form', () => {
  // Right 8 times of 10 at a confidence of 0.95: softmax must come to say 0.8.
  const rows = Array.from({ length: 10 }, () => [Math.log(0.95), Math.log(0.05)])
  const labels = rows.map((_, i) => (i < 8 ? 0 : 1))
  const { temperature } = temperatureScaling(rows, labels)
  expect(temperature).toBeCloseTo(Math.log(0.95 / 0.05) / Math.log(0.8 / 0.2), 9)
})

test('multiplied logits multiply the temperature, and no other temperature is better', () => {
  const row = fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 3, maxLength: 3 })
  const items = fc.array(fc.tuple(row, fc.nat(2)), { minLength: 4, maxLength: 30 })
  fc.assert(
    fc.property(items, fc.double({ min: 0.5, max: 2, noNaN: true }), (pairs, factor) => {
      const rows = pairs.map(([logits]) => logits)
      const labels = pairs.map(([, label]) => label)
      const fit = temperatureScaling(rows, labels)
      expect(fit.after).toBeLessThanOrEqual(fit.before + 1e-12)
      fc.pre(fit.converged && fit.temperature > 0.05 && fit.temperature < 20)
      const scaled = temperatureScaling(
        rows.map((logits) => logits.map((logit) => logit * factor)),
        labels,
      )
      expect(scaled.temperature / fit.temperature / factor).toBeCloseTo(1, 6)
      for (const off of [0.97, 1.03]) {
        const beside = rows.map((logits) => logits.map((logit) => logit / fit.temperature / off))
        expect(temperatureScaling(beside, labels).before).toBeGreaterThanOrEqual(fit.after - 1e-12)
      }
    }),
  )
})

test('labels that are always or never the likeliest class end at a bound and say so', () => {
  const rows = [
    [2, 0],
    [0, 1],
  ]
  expect(temperatureScaling(rows, [0, 1])).toMatchObject({
    converged: false,
    temperature: expect.closeTo(0.01),
  })
  expect(temperatureScaling(rows, [1, 0])).toMatchObject({
    converged: false,
    temperature: expect.closeTo(100),
  })
  expect(temperatureScaling([[1, 1]], [0])).toMatchObject({ converged: false, temperature: 1 })
})

test('rows that cannot be are refused', () => {
  expect(() => temperatureScaling([], [])).toThrow(RangeError)
  expect(() => temperatureScaling([[1, 2]], [2])).toThrow(/none of 2 classes/)
  expect(() => temperatureScaling([[1, Number.NEGATIVE_INFINITY]], [0])).toThrow(/finite/)
  expect(() => temperatureScaling([[1, 2], [1]], [0, 0])).toThrow(/Item 1/)
})

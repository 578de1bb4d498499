import fc from 'fast-check'
import { expect, test } from 'vitest'
import { benjaminiHochberg } from './benjamini-hochberg.ts'
import golden from './comparisons-golden.json' with { type: 'json' }
import { holm } from './holm.ts'

test.each(golden.adjusted)('$pValues are adjusted like by statsmodels', (example) => {
  for (const [i, p] of holm(example.pValues).entries()) expect(p).toBeCloseTo(example.holm[i]!, 12)
  for (const [i, p] of benjaminiHochberg(example.pValues).entries()) {
    expect(p).toBeCloseTo(example.benjaminiHochberg[i]!, 12)
  }
})

test('adjusting keeps the order, never makes a p-value smaller, and Holm asks for more', () => {
  const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(pValues, (values) => {
      const [strict, loose] = [holm(values), benjaminiHochberg(values)]
      for (const [i, p] of values.entries()) {
        expect(loose[i]).toBeGreaterThanOrEqual(p)
        expect(strict[i]! - loose[i]!).toBeGreaterThan(-1e-12)
        for (const [j, other] of values.entries()) {
          if (p < other) expect(strict[i]).toBeLessThanOrEqual(strict[j]!)
          if (p < other) expect(loose[i]).toBeLessThanOrEqual(loose[j]!)
        }
      }
    }),
  )
})

test('no p-values give none, and what is no p-value is refused', () => {
  expect(holm([])).toEqual([])
  expect(() => holm([1.2])).toThrow(RangeError)
  expect(() => benjaminiHochberg([Number.NaN])).toThrow(RangeError)
})

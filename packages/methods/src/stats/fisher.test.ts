import fc from 'fast-check'
import { expect, test } from 'vitest'
import golden from './estimates-golden.json' with { type: 'json' }
import { fisherExact } from './fisher.ts'

const ALTERNATIVES = ['two-sided', 'greater', 'less'] as const

test('p-values are those of scipy', () => {
  for (const { table, pValues } of golden.fisher) {
    const [right, n, otherRight, otherN] = table as [number, number, number, number]
    for (const alternative of ALTERNATIVES) {
      const p = fisherExact({ right, n }, { right: otherRight, n: otherN }, alternative)
      expect(p / pValues[alternative]).toBeCloseTo(1, 10)
    }
  }
})

test('samples in the other order mirror the alternatives, and the one-sided values share only the observed table', () => {
  const sample = fc
    .integer({ min: 1, max: 40 })
    .chain((n) => fc.record({ n: fc.constant(n), right: fc.nat(n) }))
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      const [both, greater, less] = ALTERNATIVES.map((alternative) => fisherExact(a, b, alternative))
      expect(fisherExact(b, a, 'less')).toBeCloseTo(greater!, 10)
      expect(fisherExact(b, a)).toBeCloseTo(both!, 10)
      expect(greater! + less!).toBeGreaterThan(1 - 1e-10)
      expect(both).toBeGreaterThanOrEqual(Math.min(greater!, less!) - 1e-12)
      expect(both).toBeLessThanOrEqual(1)
    }),
  )
})

test('counts that cannot be are refused', () => {
  expect(() => fisherExact({ right: 3, n: 2 }, { right: 1, n: 2 })).toThrow(/3 right items of 2/)
  expect(() => fisherExact({ right: 0, n: 0 }, { right: 1, n: 2 })).toThrow(RangeError)
})

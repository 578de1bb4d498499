import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import golden from './comparisons-golden.json' with { type: 'json' }
import { confidenceSequence } from './confidence-sequence.ts'

// numpy, with logarithms and all prefixes at once, solved by scipy's brentq.
test.each(golden.betting)(
  'the lower bound is that of an independent computation',
  ({ values, least, most, alpha, low }) => {
    const interval = confidenceSequence(values, { low: least, high: most, level: 1 - 2 * alpha })
    expect(interval.low).toBeCloseTo(low, 6)
    const mirrored = values.map((value) => least + most - value)
    const other = confidenceSequence(mirrored, { low: least, high: most, level: 1 - 2 * alpha })
    expect(other.high).toBeCloseTo(least + most - low, 6)
  },
)

test('the interval never grows with further values', () => {
  const values = fc.array(fc.constantFrom(-1, 0, 0, 0, 1), { minLength: 2, maxLength: 80 })
  fc.assert(
    fc.property(values, (all) => {
      const options = { low: -1, high: 1 }
      const before = confidenceSequence(all.slice(0, all.length >> 1), options)
      const after = confidenceSequence(all, options)
      expect(after.low).toBeGreaterThanOrEqual(before.low - 1e-8)
      expect(after.high).toBeLessThanOrEqual(before.high + 1e-8)
    }),
    { numRuns: 40 },
  )
})

test('it covers the mean at every look at once', () => {
  // The running bounds of the last look are the narrowest of all looks.
  const random = new Random(8)
  let missed = 0
  for (let trial = 0; trial < 300; trial++) {
    const values = Array.from({ length: 200 }, () => random.uniform() ** 3)
    const { low, high } = confidenceSequence(values, { low: 0, high: 1, level: 0.9 })
    if (low > 0.25 || high < 0.25) missed++
  }
  // 45 of 300 would be three standard errors above 10 %.
  expect(missed).toBeLessThan(45)
})

test('values beyond the declared bounds are refused', () => {
  expect(() => confidenceSequence([0.5, 1.5], { low: 0, high: 1 })).toThrow(/does not lie/)
  expect(() => confidenceSequence([], { low: 0, high: 1 })).toThrow(/at least 1/)
  expect(() => confidenceSequence([1], { low: 1, high: 1 })).toThrow(/in order/)
})

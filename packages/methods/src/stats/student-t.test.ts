import { expect, test } from 'vitest'
import golden from './comparisons-golden.json' with { type: 'json' }
import { studentCdf, studentQuantile } from './student-t.ts'

test.each(golden.student)(
  'the quantile at $p with $degrees degrees is that of scipy',
  ({ p, degrees, t }) => {
    expect(Math.abs(studentQuantile(p, degrees) / t - 1)).toBeLessThan(1e-10)
    expect(Math.abs(studentCdf(t, degrees) / p - 1)).toBeLessThan(1e-10)
  },
)

test('the middle is 0, and impossible arguments are refused', () => {
  expect(studentCdf(0, 3)).toBeCloseTo(0.5, 14)
  expect(studentQuantile(0.5, 3)).toBeCloseTo(0, 12)
  expect(() => studentQuantile(1, 3)).toThrow(RangeError)
  expect(() => studentCdf(1, 0)).toThrow(RangeError)
})

import { expect, test } from 'vitest'
import { normalQuantile } from './normal.ts'
import { studentCdf, studentQuantile } from './student.ts'

test.each([
  // qt(p, df) of R.
  [0.95, 1, 6.313751514675],
  [0.95, 2, 2.919985580354],
  [0.95, 3, 2.353363434801],
  [0.975, 4, 2.776445105198],
  [0.95, 9, 1.833112932656],
  [0.995, 7, 3.499483297351],
  [0.95, 30, 1.697260886602],
])('the quantile at %d with %i degrees of freedom is that of R', (p, degrees, t) => {
  expect(studentQuantile(p, degrees)).toBeCloseTo(t, 9)
  expect(studentQuantile(1 - p, degrees)).toBeCloseTo(-t, 9)
  expect(studentCdf(t, degrees)).toBeCloseTo(p, 11)
})

test('with many degrees of freedom it is the normal one', () => {
  expect(studentQuantile(0.95, 100_000)).toBeCloseTo(normalQuantile(0.95), 4)
})

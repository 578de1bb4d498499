import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inverse } from './inverse.ts'

test('a matrix times its inverse is the identity', () => {
  const entry = fc.double({ min: -1, max: 1, noNaN: true })
  const matrix = fc
    .integer({ min: 1, max: 6 })
    .chain((n) => fc.array(fc.array(entry, { minLength: n, maxLength: n }), { minLength: n, maxLength: n }))
  fc.assert(
    fc.property(matrix, (rows) => {
      // A dominant diagonal keeps it well away from singular.
      const dominant = rows.map((row, i) => row.map((value, j) => value + (i === j ? 8 : 0)))
      const inverted = inverse(dominant)!
      for (const [i, row] of dominant.entries()) {
        for (let j = 0; j < rows.length; j++) {
          const entry = row.reduce((sum, value, k) => sum + value * inverted[k]![j]!, 0)
          expect(entry).toBeCloseTo(i === j ? 1 : 0, 12)
        }
      }
    }),
  )
})

test('pivots are found off the diagonal, and a singular matrix has no inverse', () => {
  expect(
    inverse([
      [0, 2],
      [4, 0],
    ])!.map((row) => [...row]),
  ).toEqual([
    [0, 0.25],
    [0.5, 0],
  ])
  expect(
    inverse([
      [1, 2],
      [2, 4],
    ]),
  ).toBeUndefined()
})

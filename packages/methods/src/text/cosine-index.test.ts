import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import type { SparseVector } from './char-tfidf.ts'
import { CosineIndex, type UnitVectors } from './cosine-index.ts'

/** Random unit vectors of which about a third of the numbers are zero. */
function randomRows(count: number, dimension: number, seed: number): number[][] {
  const random = new Random(seed, 'cosine-index-test')
  return Array.from({ length: count }, () => {
    const row = Array.from({ length: dimension }, () => (random.uniform() < 0.3 ? 0 : random.uniform() - 0.5))
    const norm = Math.hypot(...row)
    return row.map((value) => (norm === 0 ? 0 : value / norm))
  })
}
const dense = (rows: number[][], dimension: number): UnitVectors => {
  return { kind: 'dense', dimension, values: Float32Array.from(rows.flat()) }
}
const sparse = (rows: number[][]): UnitVectors => {
  const rowOf = (row: number[]): SparseVector => {
    const indices = Int32Array.from(row.map((_, at) => at).filter((at) => row[at] !== 0))
    return { indices, values: Float64Array.from(indices, (at) => row[at]!) }
  }
  return { kind: 'sparse', rows: rows.map(rowOf) }
}

test('the nearest are those that comparing every pair finds, dense or sparse', () => {
  const shapes = fc.tuple(
    fc.integer({ min: 1, max: 150 }),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 21 }),
  )
  fc.assert(
    fc.property(
      shapes,
      fc.integer({ min: 1, max: 5 }),
      fc.nat(1e6),
      ([items, queries, dimension], count, seed) => {
        const [known, asked] = [randomRows(items, dimension, seed), randomRows(queries, dimension, seed + 1)]
        const expected = asked.map((query) =>
          known
            .map((item) => item.reduce((sum, value, at) => sum + value * query[at]!, 0))
            .toSorted((a, b) => b - a)
            .slice(0, count),
        )
        for (const shape of [(rows: number[][]) => dense(rows, dimension), sparse]) {
          const found = new CosineIndex(shape(known)).nearest(shape(asked), count)
          for (const [row, neighbours] of found.entries()) {
            expect(neighbours).toHaveLength(Math.min(count, items))
            for (const [rank, { item, similarity }] of neighbours.entries()) {
              expect(similarity).toBeCloseTo(expected[row]![rank]!, 5)
              expect(similarity).toBeCloseTo(
                known[item]!.reduce((sum, value, at) => sum + value * asked[row]![at]!, 0),
                5,
              )
            }
          }
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('of equally near items the first comes first', () => {
  const index = new CosineIndex(
    dense(
      [
        [0, 1],
        [1, 0],
        [1, 0],
      ],
      2,
    ),
  )
  expect(index.nearest(dense([[1, 0]], 2), 2)[0]!.map(({ item }) => item)).toEqual([1, 2])
})

test('vectors of another shape are refused; without items nothing is near', () => {
  const index = new CosineIndex(dense([[1, 0]], 2))
  expect(() => index.nearest(dense([[1, 0, 0]], 3))).toThrow(RangeError)
  expect(() => index.nearest(sparse([[1, 0]]))).toThrow(RangeError)
  expect(new CosineIndex(sparse([])).nearest(dense([[1, 0]], 2))).toEqual([[]])
})

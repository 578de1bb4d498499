import type { SparseVector } from './char-tfidf.ts'

/** Vectors of length 1 (or 0, for a text without features): dense ones lie one after another in `values`. */
export type UnitVectors =
  | { kind: 'dense'; dimension: number; values: Float32Array }
  | { kind: 'sparse'; rows: readonly SparseVector[] }

export interface Neighbour {
  /** Place of the item in the index. */
  item: number
  /** Cosine of the angle between the two vectors, -1 to 1. */
  similarity: number
}

/** Items whose vectors stay in the processor's cache while a block of queries is compared with them. */
const ITEM_BLOCK = 64
const QUERY_BLOCK = 16

/**
 * Finds the nearest of a fixed set of unit vectors, exactly: every query is compared with every item.
 *
 * Dense vectors are compared by dot products in blocks, O(queries · items · dimension); sparse ones through the postings
 * of their features. Needs the memory of the items and of one block. Throws a RangeError for vectors of another kind or
 * dimension than the items.
 */
export class CosineIndex {
  readonly #items: UnitVectors
  readonly #postings: Map<number, { items: number[]; values: number[] }> | null
  /** Number of items. */
  readonly size: number

  constructor(items: UnitVectors) {
    this.#items = items
    this.size = countOf(items)
    this.#postings = items.kind === 'sparse' ? postingsOf(items.rows) : null
  }

  /** For each query its `count` nearest items, the nearest first; of equally near ones the first. */
  nearest(queries: UnitVectors, count = 1): Neighbour[][] {
    const items = this.#items
    const best = Array.from({ length: countOf(queries) }, () => new Best(count))
    if (queries.kind === 'sparse' && items.kind === 'sparse') this.#nearestSparse(queries.rows, best)
    else if (queries.kind === 'dense' && items.kind === 'dense' && queries.dimension === items.dimension)
      nearestDense(items, queries, best)
    else if (this.size > 0)
      throw new RangeError(`Vectors ${shapeOf(queries)} cannot be compared with items ${shapeOf(items)}.`)
    return best.map(({ neighbours }) => neighbours)
  }

  #nearestSparse(queries: readonly SparseVector[], best: readonly Best[]): void {
    const similarities = new Float64Array(this.size)
    for (const [query, { indices, values }] of queries.entries()) {
      similarities.fill(0)
      for (let at = 0; at < indices.length; at++) {
        const posting = this.#postings!.get(indices[at]!)
        if (!posting) continue
        const value = values[at]!
        for (let entry = 0; entry < posting.items.length; entry++)
          similarities[posting.items[entry]!]! += value * posting.values[entry]!
      }
      for (let item = 0; item < this.size; item++) best[query]!.offer(item, similarities[item]!)
    }
  }
}

/** The best few of what is offered, in order; ties go to what came first. */
class Best {
  readonly neighbours: Neighbour[] = []
  readonly #count: number

  constructor(count: number) {
    this.#count = count
  }

  offer(item: number, similarity: number): void {
    const { neighbours } = this
    if (neighbours.length === this.#count && similarity <= neighbours[this.#count - 1]!.similarity) return
    let at = neighbours.length
    while (at > 0 && neighbours[at - 1]!.similarity < similarity) at--
    neighbours.splice(at, 0, { item, similarity })
    if (neighbours.length > this.#count) neighbours.pop()
  }
}

type Dense = Extract<UnitVectors, { kind: 'dense' }>

function nearestDense(items: Dense, queries: Dense, best: readonly Best[]): void {
  const { dimension } = items
  const [itemCount, queryCount] = [countOf(items), countOf(queries)]
  for (let firstQuery = 0; firstQuery < queryCount; firstQuery += QUERY_BLOCK) {
    const endQuery = Math.min(queryCount, firstQuery + QUERY_BLOCK)
    for (let firstItem = 0; firstItem < itemCount; firstItem += ITEM_BLOCK) {
      const endItem = Math.min(itemCount, firstItem + ITEM_BLOCK)
      for (let query = firstQuery; query < endQuery; query++) {
        const from = query * dimension
        for (let item = firstItem; item < endItem; item++)
          best[query]!.offer(item, dot(queries.values, from, items.values, item * dimension, dimension))
      }
    }
  }
}

/** Four sums side by side: additions that do not wait for one another. */
function dot(a: Float32Array, fromA: number, b: Float32Array, fromB: number, length: number): number {
  let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0]
  let at = 0
  for (; at + 4 <= length; at += 4) {
    sum0 += a[fromA + at]! * b[fromB + at]!
    sum1 += a[fromA + at + 1]! * b[fromB + at + 1]!
    sum2 += a[fromA + at + 2]! * b[fromB + at + 2]!
    sum3 += a[fromA + at + 3]! * b[fromB + at + 3]!
  }
  for (; at < length; at++) sum0 += a[fromA + at]! * b[fromB + at]!
  return sum0 + sum1 + (sum2 + sum3)
}

function postingsOf(rows: readonly SparseVector[]) {
  const postings = new Map<number, { items: number[]; values: number[] }>()
  for (const [item, { indices, values }] of rows.entries()) {
    for (let at = 0; at < indices.length; at++) {
      const found = postings.get(indices[at]!)
      if (found) {
        found.items.push(item)
        found.values.push(values[at]!)
      } else postings.set(indices[at]!, { items: [item], values: [values[at]!] })
    }
  }
  return postings
}

function countOf(vectors: UnitVectors): number {
  return vectors.kind === 'sparse' ? vectors.rows.length : vectors.values.length / vectors.dimension
}

function shapeOf(vectors: UnitVectors): string {
  return vectors.kind === 'sparse' ? '(sparse)' : `of ${vectors.dimension} numbers`
}

import { Random } from '../random.ts'
import { checkCount } from './interval.ts'
import type { PermutationOptions } from './paired-permutation.ts'

/**
 * Tests whether two independent samples have the same mean; `estimate` is the mean of `a` minus that of `b`.
 *
 * Values change places between the samples; what is compared is Welch's t, not the difference itself, so that unequal
 * spreads in samples of unequal size do not pass for unequal means. Exact where all ways to divide the values can be
 * counted; else p is (b + 1) / (m + 1) with b of m random ones at least as far from 0. Throws a RangeError for fewer than
 * two values in a sample or one that is not finite.
 * Sources: Janssen 1997, "Studentized permutation tests for non-i.i.d. hypotheses"; Phipson and Smyth 2010.
 */
export function unpairedPermutation(
  a: readonly number[],
  b: readonly number[],
  options: PermutationOptions,
): { estimate: number; p: number } {
  const { seed, permutations = 10_000, alternative = 'two-sided' } = options
  for (const sample of [a, b]) {
    checkCount(sample.length, 'values in a sample', 2)
    if (!sample.every(Number.isFinite)) throw new RangeError('Every value must be a finite number.')
  }
  checkCount(permutations, 'permutations', 100)
  const values = centred([...a, ...b])
  const size = a.length
  const welch = welchOf(values, size)
  const distance = (t: number) => (alternative === 'greater' ? t : alternative === 'less' ? -t : Math.abs(t))
  const observed = distance(welch(...sumsOf(values, size)))
  // Equal statistics may differ by rounding.
  const threshold = Number.isFinite(observed) ? observed - 1e-9 * Math.abs(observed) : observed
  let extreme = 0
  const count = (sum: number, squares: number) => {
    if (distance(welch(sum, squares)) >= threshold) extreme++
  }
  const estimate = mean(a) - mean(b)
  const divisions = waysToChoose(values.length, size)
  if (divisions <= permutations) {
    visitEvery(values, size, count)
    return { estimate, p: extreme / divisions }
  }
  const random = new Random(seed, 'unpaired-permutation')
  for (let round = 0; round < permutations; round++) {
    // The first places get a random part of the values; where these stood before does not matter.
    for (let place = 0; place < size; place++) {
      const other = place + random.integer(values.length - place)
      const value = values[place]!
      values[place] = values[other]!
      values[other] = value
    }
    count(...sumsOf(values, size))
  }
  return { estimate, p: (extreme + 1) / (permutations + 1) }
}

/** Values around 0, so that sums of squares lose no digits; exactly 0 where all are equal. */
function centred(values: readonly number[]): Float64Array {
  const centre = values.every((value) => value === values[0]) ? values[0]! : mean(values)
  return Float64Array.from(values, (value) => value - centre)
}

function sumsOf(values: Float64Array, size: number): [sum: number, squares: number] {
  let [sum, squares] = [0, 0]
  for (let i = 0; i < size; i++) {
    sum += values[i]!
    squares += values[i]! ** 2
  }
  return [sum, squares]
}

/** Welch's t as a function of the sum and the sum of squares of the first sample. */
function welchOf(values: Float64Array, size: number): (sum: number, squares: number) => number {
  const [allSum, allSquares] = sumsOf(values, values.length)
  const rest = values.length - size
  const varianceOfMean = (sum: number, squares: number, n: number) => {
    const spread = squares - (sum * sum) / n
    // Equal values may leave a rest of rounding, which would make a t of any size.
    return spread <= 1e-12 * allSquares ? 0 : spread / (n * (n - 1))
  }
  return (sum, squares) => {
    const difference = sum / size - (allSum - sum) / rest
    if (Math.abs(difference) <= 1e-12 * Math.sqrt(allSquares)) return 0
    const error =
      varianceOfMean(sum, squares, size) + varianceOfMean(allSum - sum, allSquares - squares, rest)
    return difference / Math.sqrt(error)
  }
}

function visitEvery(
  values: Float64Array,
  size: number,
  visit: (sum: number, squares: number) => void,
  sum = 0,
  squares = 0,
  from = 0,
): void {
  if (size === 0) {
    visit(sum, squares)
    return
  }
  for (let i = from; i <= values.length - size; i++) {
    visitEvery(values, size - 1, visit, sum + values[i]!, squares + values[i]! ** 2, i + 1)
  }
}

function waysToChoose(n: number, size: number): number {
  let ways = 1
  for (let i = 1; i <= size && ways < 1e9; i++) ways = (ways * (n - size + i)) / i
  return ways
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

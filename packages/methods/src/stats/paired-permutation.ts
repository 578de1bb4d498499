import { Random } from '../random.ts'
import { checkCount } from './interval.ts'

export interface PermutationOptions {
  seed: number | bigint
  /** Default 10,000. Where there are no more ways to flip signs than this, all of them are counted. */
  permutations?: number
  /** The direction in which a mean away from 0 counts. Default `two-sided`. */
  alternative?: 'two-sided' | 'greater' | 'less'
}

/**
 * Tests whether per-item differences are symmetric about 0, by flipping their signs.
 *
 * Exact when all 2^k flips of the k differences other than 0 can be counted; else p is (b + 1) / (m + 1) with b of m random
 * flips at least as far from 0, which keeps the error rate exactly too. `estimate` is the mean. Throws a RangeError without
 * differences or with one that is not finite.
 * Sources: Fisher 1935, "The Design of Experiments"; Phipson and Smyth 2010, "Permutation P-values Should Never Be Zero".
 */
export function pairedPermutation(
  differences: readonly number[],
  options: PermutationOptions,
): { estimate: number; p: number } {
  const { seed, permutations = 10_000, alternative = 'two-sided' } = options
  checkCount(differences.length, 'differences', 1)
  checkCount(permutations, 'permutations', 100)
  if (!differences.every(Number.isFinite)) throw new RangeError('Every difference must be a finite number.')
  const total = differences.reduce((sum, difference) => sum + difference, 0)
  const sizes = differences.filter((difference) => difference !== 0).map(Math.abs)
  // Sums that are equal in exact arithmetic must count as equal.
  const slack = 1e-12 * sizes.reduce((sum, size) => sum + size, 0)
  const distance = (sum: number) =>
    alternative === 'greater' ? sum : alternative === 'less' ? -sum : Math.abs(sum)
  const threshold = distance(total) - slack

  const exact = 2 ** sizes.length <= permutations
  const sums = exact ? everySum(sizes) : randomSums(sizes, permutations, seed)
  let extreme = 0
  for (const sum of sums) if (distance(sum) >= threshold) extreme++
  const p = exact ? extreme / sums.length : (extreme + 1) / (permutations + 1)
  return { estimate: total / differences.length, p }
}

function everySum(sizes: readonly number[]): Float64Array {
  const sums = new Float64Array(2 ** sizes.length)
  let filled = 1
  for (const size of sizes) {
    for (let i = 0; i < filled; i++) {
      sums[filled + i] = sums[i]! + size
      sums[i]! -= size
    }
    filled *= 2
  }
  return sums
}

function randomSums(sizes: readonly number[], permutations: number, seed: number | bigint): Float64Array {
  const random = new Random(seed, 'paired-permutation')
  return Float64Array.from({ length: permutations }, () => {
    let sum = 0
    let bits = 0
    for (let i = 0; i < sizes.length; i++) {
      if (i % 32 === 0) bits = random.nextUint32()
      sum += bits & 1 ? sizes[i]! : -sizes[i]!
      bits >>>= 1
    }
    return sum
  })
}

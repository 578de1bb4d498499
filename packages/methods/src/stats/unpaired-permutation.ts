import { Random } from '../random.ts'
import type { Alternative } from './fisher.ts'
import { checkCount } from './interval.ts'

export interface UnpairedPermutationOptions {
  seed: number | bigint
  /** Default 10,000. */
  permutations?: number
  /** `greater`: the mean of the first sample is larger. Default two-sided. */
  alternative?: Alternative
}

/**
 * Tests whether two independent samples have the same mean: gives the difference of `a` and `b` and its p-value.
 *
 * Values change places between the samples; what is compared is Welch's t, not the difference itself, so that unequal
 * spreads in samples of unequal size do not pass for unequal means. The observed order counts as one of the permutations,
 * so p is never 0. Throws a RangeError for fewer than two values in a sample or one that is not finite.
 * Source: Janssen 1997, "Studentized permutation tests for non-i.i.d. hypotheses"; Phipson and Smyth 2010.
 */
export function unpairedPermutation(
  a: readonly number[],
  b: readonly number[],
  options: UnpairedPermutationOptions,
): { difference: number; pValue: number } {
  const { seed, permutations = 10_000, alternative = 'two-sided' } = options
  for (const sample of [a, b]) {
    checkCount(sample.length, 'values in a sample', 2)
    if (!sample.every(Number.isFinite)) throw new RangeError('Every value must be a finite number.')
  }
  checkCount(permutations, 'permutations', 100)
  const pooled = Float64Array.from([...a, ...b])
  const centre = pooled.reduce((sum, value) => sum + value, 0) / pooled.length
  // Around zero the sums of squares below lose no digits.
  for (let i = 0; i < pooled.length; i++) pooled[i]! -= centre
  const size = a.length
  const { difference, t } = welch(pooled, size)
  const extremity = (value: number) =>
    alternative === 'two-sided' ? Math.abs(value) : alternative === 'greater' ? value : -value
  const threshold = extremity(t) - 1e-9 * Math.min(Math.abs(t), 1e9)
  const random = new Random(seed, 'unpaired-permutation')
  let asExtreme = 1
  for (let round = 0; round < permutations; round++) {
    // The first places are a random part of all values; where they stood before does not matter.
    for (let place = 0; place < size; place++) {
      const other = place + random.integer(pooled.length - place)
      const value = pooled[place]!
      pooled[place] = pooled[other]!
      pooled[other] = value
    }
    if (extremity(welch(pooled, size).t) >= threshold) asExtreme++
  }
  return { difference, pValue: asExtreme / (permutations + 1) }
}

function welch(values: Float64Array, size: number): { difference: number; t: number } {
  const first = moments(values, 0, size)
  const second = moments(values, size, values.length)
  const difference = first.mean - second.mean
  const error = Math.sqrt(first.varianceOfMean + second.varianceOfMean)
  return { difference, t: difference === 0 ? 0 : difference / error }
}

function moments(values: Float64Array, from: number, to: number): { mean: number; varianceOfMean: number } {
  const n = to - from
  let [sum, squares] = [0, 0]
  for (let i = from; i < to; i++) {
    sum += values[i]!
    squares += values[i]! ** 2
  }
  const mean = sum / n
  const spread = squares - n * mean ** 2
  // Equal values may leave a rest of rounding, which would make a t of every size.
  return { mean, varianceOfMean: spread <= 1e-12 * squares ? 0 : spread / (n * (n - 1)) }
}

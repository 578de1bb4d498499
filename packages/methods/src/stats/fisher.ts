import { binomialPmf } from './binomial.ts'
import { checkCount } from './interval.ts'

/**
 * Gives the exact p-value of equal shares in two independent samples, given how many are right in both together.
 * `greater`: the share of `a` is larger. Two-sided, it adds up the tables that are no more likely than the one observed.
 * Throws a RangeError unless both have 0 <= right <= n and n >= 1.
 * Source: Fisher 1935, "The Logic of Inductive Inference"; the two-sided sum is Irwin's (1935).
 */
export function fisherExact(
  a: { right: number; n: number },
  b: { right: number; n: number },
  alternative: 'two-sided' | 'greater' | 'less' = 'two-sided',
): number {
  for (const { right, n } of [a, b]) {
    checkCount(n, 'items', 1)
    checkCount(right, 'right items')
    if (right > n) throw new RangeError(`There cannot be ${right} right items of ${n}.`)
  }
  const right = a.right + b.right
  const observed = tableProbability(a.right, a.n, right, b.n)
  let sum = 0
  for (let count = Math.max(0, right - b.n); count <= Math.min(right, a.n); count++) {
    const probability = tableProbability(count, a.n, right, b.n)
    // Tables that are equally likely may differ by rounding.
    if (alternative === 'two-sided' && probability > observed * (1 + 1e-7)) continue
    if (alternative === 'greater' && count < a.right) continue
    if (alternative === 'less' && count > a.right) continue
    sum += probability
  }
  return Math.min(1, sum)
}

/** Hypergeometric: the chance that `count` of the `right` items are among the first `n` of `n` + `rest`. */
function tableProbability(count: number, n: number, right: number, rest: number): number {
  const share = right / (n + rest)
  const joint = binomialPmf(count, n, share) * binomialPmf(right - count, rest, share)
  return joint / binomialPmf(right, n + rest, share)
}

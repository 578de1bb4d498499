import { checkCount, type Interval } from './interval.ts'
import { type BootstrapOptions, pairedBootstrap } from './paired-bootstrap.ts'

/**
 * Gives the chance that at least one of k answers is right, from n answers of which c are: 1 − C(n−c, k) / C(n, k).
 * Unbiased, where 1 − (1 − c/n)^k is too low. Throws a RangeError unless 0 <= c <= n and 1 <= k <= n.
 * Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1.
 */
export function passAtK(n: number, c: number, k: number): number {
  checkCount(n, 'answers', 1)
  checkCount(c, 'right answers')
  checkCount(k, 'tries', 1)
  if (c > n) throw new RangeError(`There cannot be ${c} right answers among ${n}.`)
  if (k > n) throw new RangeError(`${n} answers say nothing about the best of ${k}: draw at least ${k}.`)
  if (k > n - c) return 1
  let allWrong = 1
  for (let i = 0; i < k; i++) allWrong *= (n - c - i) / (n - i)
  return 1 - allWrong
}

/**
 * Gives the mean of pass@k over problems with a bootstrap interval (BCa) over the problems. It covers both the choice of
 * the problems and the chance of the answers. Problems that are all alike give no width (see `pairedBootstrap`).
 */
export function meanPassAtK(
  problems: readonly { n: number; c: number }[],
  k: number,
  options: BootstrapOptions,
): Interval {
  return pairedBootstrap(
    problems.map(({ n, c }) => passAtK(n, c, k)),
    options,
  )
}

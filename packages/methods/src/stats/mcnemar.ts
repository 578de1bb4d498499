import { binomialPmf, binomialTail } from './binomial.ts'
import { checkCount } from './interval.ts'

/**
 * Tests whether two paired proportions differ, from the numbers of items on which only the one or only the other succeeds.
 *
 * `p` is the exact conditional two-sided p-value; `midP` halves the weight of the observed outcome, which
 * keeps the error rate near its nominal level where the exact test is too careful. Without discordant items both are 1.
 * Sources: McNemar 1947; Fagerland, Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data".
 */
export function mcnemarExact(onlyA: number, onlyB: number): { p: number; midP: number } {
  checkCount(onlyA, 'discordant items')
  checkCount(onlyB, 'discordant items')
  const n = onlyA + onlyB
  if (n === 0) return { p: 1, midP: 1 }
  const observed = binomialPmf(onlyA, n, 0.5)
  if (onlyA === onlyB) return { p: 1, midP: 1 - observed / 2 }
  const p = Math.min(1, 2 * binomialTail(Math.max(onlyA, onlyB), n, 0.5))
  return { p, midP: p - observed }
}

import { Random } from '@regraft/methods'
import { inOrder, type Parts, type SplitRow } from './parts.ts'

/**
 * Cuts off a share of the rows of every label, by chance, seeded: each label's count, and the whole, is within one row of
 * the share. What rounding leaves goes to the labels with the largest remainders (Hamilton's method).
 */
export function splitStratified<Row extends SplitRow>(
  rows: readonly Row[],
  share: number,
  seed: number,
): Parts<Row> {
  const sorted = inOrder(rows)
  const random = new Random(seed, 'split stratified')
  const strata = Map.groupBy(sorted, ({ label }) => label)
  // Equal remainders are common (labels of one row each): chance decides among them, not the alphabet.
  const quotas = random.shuffle([...strata.values()]).map((stratum) => {
    const exact = stratum.length * share
    return { stratum, count: Math.floor(exact), remainder: exact - Math.floor(exact) }
  })
  let missing = Math.round(sorted.length * share) - quotas.reduce((sum, { count }) => sum + count, 0)
  for (const quota of quotas.toSorted((a, b) => b.remainder - a.remainder)) {
    if (missing <= 0 || quota.remainder === 0) break
    quota.count++
    missing--
  }
  const taken = new Set(quotas.flatMap(({ stratum, count }) => random.shuffle(stratum).slice(0, count)))
  return {
    kept: sorted.filter((row) => !taken.has(row)),
    taken: sorted.filter((row) => taken.has(row)),
    by: 'stratified',
  }
}

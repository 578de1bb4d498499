import { Random } from '@regraft/methods'
import { groupsOf } from './groups.ts'
import { inOrder, type Parts, type SplitRow } from './parts.ts'

/**
 * Cuts off a share of the rows so that no entity is on both sides: rows that are linked by an end user or a conversation,
 * also over other rows, stay together. Groups are drawn by chance, seeded, each if it brings the count nearer to the
 * share, so that the count misses it by at most half of the largest group.
 *
 * Groups with a row of `bound` entities are never cut off.
 */
export function splitByEntity<Row extends SplitRow>(
  rows: readonly Row[],
  share: number,
  seed: number,
  bound: Iterable<string> = [],
): Parts<Row> {
  const groups = groupsOf(inOrder(rows))
  const fixed = new Set(bound)
  const free = groups.filter((group) => !group.some(({ entities }) => entities.some((one) => fixed.has(one))))
  const target = Math.round(rows.length * share)
  const taken = new Set<Row>()
  for (const group of new Random(seed, 'split by entity').shuffle(free)) {
    const missing = target - taken.size
    if (Math.abs(missing - group.length) >= Math.abs(missing)) continue
    for (const row of group) taken.add(row)
  }
  const sorted = inOrder(rows)
  return {
    kept: sorted.filter((row) => !taken.has(row)),
    taken: sorted.filter((row) => taken.has(row)),
    by: 'entity',
  }
}

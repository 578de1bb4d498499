import { groupsOf } from '../splits/groups.ts'
import type { VaultSuite } from './suite.ts'

/** What a measurement keeps of an item beside its id: how results are broken down, and which of them depend on each other. */
export interface ItemFacts {
  /** Words of the operator by the name of the slice; absent for none. */
  slices?: Record<string, string>
  /**
   * Items of the suite that share an end user or a conversation, directly or over others, bear the same keyed digest; absent
   * where an item belongs to nobody that is known, and is a cluster of its own.
   */
  cluster?: string
}

/** The facts of every item of a suite, by its id. They depend on the suite alone, not on which items are answered. */
export function itemFacts({ items }: VaultSuite): Map<string, ItemFacts> {
  const facts = new Map<string, ItemFacts>()
  for (const group of groupsOf(items)) {
    const [cluster] = group.flatMap(({ entities }) => entities).sort()
    for (const { id, slices } of group) {
      facts.set(id, {
        ...(Object.keys(slices).length > 0 ? { slices } : {}),
        ...(cluster === undefined ? {} : { cluster }),
      })
    }
  }
  return facts
}

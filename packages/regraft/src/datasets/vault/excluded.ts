import type { ProjectStore } from '../../store/types.ts'
import { openItems } from './open-items.ts'
import type { VaultSuite } from './suite.ts'

/**
 * Items of a suite that no evaluation counts any more: a person has seen them (in this suite or in another one that holds
 * them), or the end user whose words they held was erased. Sorted: an evaluation takes them as a parameter, so that its
 * cached result is always of the same items.
 */
export async function excludedItems(
  store: ProjectStore,
  suite: VaultSuite,
): Promise<{ burned: string[]; erased: string[] }> {
  const ids = new Set(suite.items.map(({ id }) => id))
  const burned = new Set<string>()
  for (const { digest } of await store.artifacts.list('suite')) {
    for (const { item } of await store.vault.burns(digest)) if (ids.has(item)) burned.add(item)
  }
  const { erased } = await openItems(store, suite.digest)
  return { burned: [...burned].sort(), erased: erased.sort() }
}

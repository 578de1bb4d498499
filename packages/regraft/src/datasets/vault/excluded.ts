import type { ProjectStore } from '../../store/types.ts'
import { openItems } from './open-items.ts'

/**
 * Items of a suite that no evaluation counts any more: a person has seen them, or the end user whose words they held was
 * erased. Sorted: an evaluation takes them as a parameter, so that its cached result is always of the same items.
 */
export async function excludedItems(
  store: ProjectStore,
  suite: string,
): Promise<{ burned: string[]; erased: string[] }> {
  const burned = (await store.vault.burns(suite)).map(({ item }) => item)
  const { erased } = await openItems(store, suite)
  return { burned: burned.sort(), erased: erased.sort() }
}

import type { ProjectStore } from '../../store/types.ts'
import { type OpenItem, openItems } from './open-items.ts'
import type { VaultSuite } from './suite.ts'

/**
 * Opens items of a suite for a person to see: they are burned and logged before they leave, so that no later evaluation counts
 * them. Items that were erased with their end user, and ids that are no items of the suite, are left out.
 */
export async function revealItems(
  store: ProjectStore,
  suite: VaultSuite,
  ids: readonly string[],
  { principal, reason }: { principal: string; reason: string },
): Promise<OpenItem[]> {
  const wanted = new Set(ids)
  const { items } = await openItems(store, suite.digest)
  const opened = items.filter(({ id }) => wanted.has(id))
  const asked = { suite: suite.digest, principal }
  for (const { id } of opened) {
    await store.vault.burn({ ...asked, items: [id], reason })
    await store.vault.log({ ...asked, purpose: 'show', rows: 1, hits: 0, details: { item: id, reason } })
  }
  return opened
}

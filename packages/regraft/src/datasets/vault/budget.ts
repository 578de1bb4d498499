import { RegraftError } from '../../errors/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { ProjectStore, VaultQuery } from '../../store/types.ts'
import { readSuite, type VaultSuite } from './suite.ts'

/** Who asks a vault, and how often each of its suites may be asked. */
export interface VaultAccess {
  principal: string
  budget: { evaluations: number; screens: number }
}

/** What an operation's caller may ask of the vault. */
export function vaultAccess({
  principal,
  config,
}: Pick<OperationContext, 'principal' | 'config'>): VaultAccess {
  return { principal: principal.id, budget: config.vault }
}

/** Purposes that use a suite up. */
export type Budgeted = 'evaluate' | 'screen'

/** The number of queries that are allowed for a purpose. */
export function budgetOf({ budget }: VaultAccess, purpose: Budgeted): number {
  return purpose === 'evaluate' ? budget.evaluations : budget.screens
}

/** How many queries of a purpose have been made. */
export function countQueries(queries: readonly VaultQuery[], purpose: VaultQuery['purpose']): number {
  return queries.filter((query) => query.purpose === purpose).length
}

/**
 * What has been asked of a suite, oldest first; also of the suites of its name that hold at least half of its items: a
 * file that is sealed again with some more rows is not a fresh suite.
 */
export async function queriesOf(store: ProjectStore, suite: VaultSuite): Promise<VaultQuery[]> {
  const queries = await store.vault.queries(suite.digest)
  const ids = new Set(suite.items.map(({ id }) => id))
  for (const { digest } of await store.artifacts.find('suite', { name: suite.name })) {
    if (digest === suite.digest) continue
    const others = await store.vault.queries(digest)
    if (others.length === 0) continue
    const { items } = await readSuite(store, digest)
    if (items.filter(({ id }) => ids.has(id)).length * 2 >= ids.size) queries.push(...others)
  }
  return queries.sort((a, b) => a.at.getTime() - b.at.getTime())
}

/** How often models may still be measured on a suite. */
export async function evaluationsLeft(
  store: ProjectStore,
  access: VaultAccess,
  suite: string,
): Promise<number> {
  const used = countQueries(await queriesOf(store, await readSuite(store, suite)), 'evaluate')
  return Math.max(0, budgetOf(access, 'evaluate') - used)
}

/** Throws 'forbidden' when a suite has been asked as often as its budget allows. */
export async function requireBudget(
  store: ProjectStore,
  access: VaultAccess,
  suite: VaultSuite,
  purpose: Budgeted,
): Promise<void> {
  const allowed = budgetOf(access, purpose)
  const used = countQueries(await queriesOf(store, suite), purpose)
  if (used < allowed) return
  const [verb, setting] =
    purpose === 'evaluate' ? ['evaluated on', 'vault.evaluations'] : ['screened against', 'vault.screens']
  throw new RegraftError(
    'forbidden',
    `the suite '${suite.name}' has been ${verb} ${used} times, and its budget is ${allowed}`,
    {
      hint: `seal a fresh suite (regraft datasets seal …, or datasets build --fresh 0.1); or raise ${setting} in regraft.yaml: each query logs the budget that it was made under`,
      details: { used, allowed },
    },
  )
}

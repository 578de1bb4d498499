import { gateAlias, incumbentAlias, readGateRecord } from '../gates/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { AliasMove, NewAuditEntry, ProjectStore } from '../store/types.ts'
import type { Outcome } from '../verdict/index.ts'
import { aliasOf, type FleetAlias } from './names.ts'
import { type RegisteredAdapter, type Registration, readRegistration } from './registration.ts'

/** The verdict that a move rests on. */
export interface Grounds {
  /** Digest of the verdict; null where nobody has judged the adapter. */
  verdict: string | null
  outcome: Outcome | null
}

/** The newest verdict of a gate on a registered adapter, else the one it was registered with. */
export async function groundsOf(store: ProjectStore, registration: Registration): Promise<Grounds> {
  const verdict = (await store.aliases.get(gateAlias(registration.adapter))) ?? registration.verdict
  if (verdict === null) return { verdict: null, outcome: null }
  const { verdict: judged } = await readGateRecord(store, verdict)
  return { verdict, outcome: judged.outcome }
}

/** What a move of an alias is in the log: history is read from there. */
export interface AliasMoveDetails extends Grounds {
  alias: FleetAlias
  version: number
  /** Version that had the alias before; null for none. */
  from: number | null
  /** Why it was moved without a passing verdict. */
  waiver: string | null
}

/**
 * What has to be appended and moved so that a registration becomes champion or candidate. Gates compare with the champion,
 * so that the incumbent of its suite moves with it.
 */
export async function planMove(
  { store, principal }: Pick<OperationContext, 'store' | 'principal'>,
  { digest, registration }: RegisteredAdapter,
  move: { to: FleetAlias; grounds: Grounds; waiver: string | null },
): Promise<{ entry: NewAuditEntry; moves: AliasMove[] }> {
  const { name, version, adapter, suite } = registration
  const alias = aliasOf({ name, which: move.to })
  const standing = await store.aliases.get(alias)
  const from = standing === null ? null : (await readRegistration(store, standing)).version
  const moves: AliasMove[] = [{ name: alias, digest, expected: standing }]
  if (move.to === 'champion' && suite !== null) {
    const incumbent = incumbentAlias(suite.artifact)
    moves.push({ name: incumbent, digest: adapter, expected: await store.aliases.get(incumbent) })
  }
  const details: AliasMoveDetails = { alias: move.to, version, from, ...move.grounds, waiver: move.waiver }
  return {
    entry: {
      principal: principal.id,
      action: 'move-alias',
      about: name,
      subject: digest,
      details: { ...details },
    },
    moves,
  }
}

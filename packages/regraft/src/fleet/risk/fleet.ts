import type { OperationContext } from '../../operation/index.ts'
import { type FleetName, listNames } from '../names.ts'
import { assessRisk, compareDanger, type Risk } from './conditions.ts'
import type { RiskFacts } from './facts.ts'
import { gatherFacts, peopleSeen } from './gather.ts'

/** A registered name with its risk: that of the champion, else of the candidate, else of the last version. */
export interface FleetMember extends Risk {
  name: string
  /** Digest of the registration that is judged. */
  registration: string
  facts: RiskFacts
}

/** The risk of all registered names, or of one, the most endangered first. */
export async function assessFleet(
  { store, config }: Pick<OperationContext, 'store' | 'config'>,
  { now, only }: { now: Date; only?: string },
): Promise<FleetMember[]> {
  const seen = await peopleSeen(store)
  const members: FleetMember[] = []
  for (const known of await listNames(store)) {
    const registration = judgedOf(known)
    if (registration === null || (only !== undefined && known.name !== only)) continue
    const facts = await gatherFacts({ store, config, seen }, registration)
    members.push({ name: known.name, registration, facts, ...assessRisk(facts, { days: config.fleet, now }) })
  }
  return members.sort(compareDanger)
}

function judgedOf({ champion, candidate, versions }: FleetName): string | null {
  return champion ?? candidate ?? versions.get(Math.max(0, ...versions.keys())) ?? null
}

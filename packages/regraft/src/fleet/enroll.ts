import { z } from 'zod'
import { defineStep, runStep } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { groundsOf, planMove } from './move-alias.ts'
import { aliasOf, type FleetAlias, listNames } from './names.ts'
import {
  type AdoptedRegistration,
  REGISTRATION_SCHEMA,
  type Registration,
  type TrainedRegistration,
} from './registration.ts'

/** A person puts a record into the fleet: external, because nobody can compute that decision again. */
const recordRegistration = defineStep({
  name: 'fleet/register',
  version: 2,
  determinism: 'external',
  input: z.custom<Registration>((value) => typeof value === 'object' && value !== null),
  async run({ parameters }) {
    return [
      { role: 'registration', kind: 'registration', schemaVersion: REGISTRATION_SCHEMA, value: parameters },
    ]
  },
})

type Unnumbered<Record> = Omit<Record, 'version' | 'registeredAt'>

export interface Enrolment {
  record: Unnumbered<TrainedRegistration> | Unnumbered<AdoptedRegistration>
  /** What the new version becomes; null for no more than a version. */
  as: FleetAlias | null
  /** Why it becomes champion without a passing verdict; null where it has one. */
  waiver: string | null
}

/**
 * Puts a record into the fleet as the next version of its name; the log has it, signed. Throws 'conflict' when somebody
 * else registers the same name in this moment.
 */
export async function enroll(
  context: Pick<OperationContext, 'store' | 'principal'>,
  { record, as, waiver }: Enrolment,
): Promise<{ digest: string; registration: Registration }> {
  const { store, principal } = context
  const { name, adapter, verdict, origin } = record
  const known = (await listNames(store)).find((entry) => entry.name === name)
  const version = Math.max(0, ...(known?.versions.keys() ?? [])) + 1
  const registration: Registration = { ...record, version, registeredAt: new Date().toISOString() }
  const made = await runStep({ project: store }, recordRegistration, {
    inputs: [
      { role: 'adapter', digest: adapter },
      ...(verdict === null ? [] : [{ role: 'verdict', digest: verdict }]),
    ],
    parameters: registration,
  })
  const digest = made.digest('registration')
  const numbered = { name: aliasOf({ name, which: version }), digest, expected: null }
  const registered = {
    ...{ principal: principal.id, about: name, subject: digest },
    action: origin === 'trained' ? ('register' as const) : ('adopt' as const),
    details: { version, adapter, verdict },
  }
  if (as === null) {
    await store.audit.append([registered], [numbered])
    return { digest, registration }
  }
  const grounds = await groundsOf(store, registration)
  const { entry, moves } = await planMove(context, { digest, registration }, { to: as, grounds, waiver })
  await store.audit.append([registered, entry], [numbered, ...moves])
  return { digest, registration }
}

import { compareFingerprints, type Fingerprint, fingerprintAlias } from '../../models/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import type { RegisteredBase } from '../registration.ts'
import type { RiskFacts } from './facts.ts'

/** Compares the newest answers of a hosted base with those that the record was made with. */
export async function fingerprintOf(
  store: ProjectStore,
  { name, fingerprint }: Extract<RegisteredBase, { kind: 'hosted' }>,
): Promise<RiskFacts['fingerprint']> {
  const newest = await store.aliases.get(fingerprintAlias(name))
  if (!(await store.artifacts.get(fingerprint))) {
    return {
      outcome: 'fail',
      reason: `the fingerprint of ${name} is gone: nobody can say whether it is the same`,
    }
  }
  if (newest === null || newest === fingerprint) {
    return { outcome: 'pass', reason: `${name} has not been asked again: regraft models fingerprint ${name}` }
  }
  const before = await store.artifacts.read<Fingerprint>(fingerprint)
  const { outcome, reason } = compareFingerprints(before, await store.artifacts.read<Fingerprint>(newest))
  return { outcome, reason: `the answers of ${name}: ${reason}` }
}

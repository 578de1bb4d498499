import type { OperationContext } from '../operation/index.ts'
import type { Verdict } from '../verdict/index.ts'
import type { RegisteredAdapter } from './registration.ts'

/** What was tried with a registered adapter, and how it ended. */
export interface DrillEnd {
  action: 'drill' | 'migrate' | 'rescue'
  /** Digest of the verdict. */
  record: string
  verdict: Pick<Verdict, 'outcome' | 'finding'>
  /** How long it took, from the first look to the verdict. */
  seconds: number
}

/** Writes the end of a drill into the log; risk reads there when the last one was, and how long a migration takes. */
export async function logDrill(
  { store, principal }: Pick<OperationContext, 'store' | 'principal'>,
  { registration: { name, version } }: RegisteredAdapter,
  { action, record, verdict, seconds }: DrillEnd,
): Promise<void> {
  const { outcome, finding = null } = verdict
  const details = { version, outcome, finding, seconds: Math.round(seconds) }
  await store.audit.append([{ principal: principal.id, action, about: name, subject: record, details }])
}

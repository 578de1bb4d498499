import type { Verdict } from '../../verdict/index.ts'
import type { AuditEvidence } from './evidence.ts'

/** What an audit finds; the report adds its title, the evidence and the command. */
export type AuditFinding = Omit<Verdict, 'title' | 'evidence' | 'rerun' | 'parts'>

/** A question about the signals as a whole, answered from the evidence of one pass; null where nothing bears on it. */
export interface Audit {
  title: string
  judge(evidence: AuditEvidence): AuditFinding | null
}

export function defineAudit(audit: Audit): Audit {
  return audit
}

export const LEVEL = 0.95

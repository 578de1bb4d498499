import type { AdapterInspection } from '@regraft/engine'
import type { Verdict } from '../../verdict/index.ts'
import type { MissingEntry } from '../registration.ts'
import type { Leaks } from './find-leaks.ts'
import type { RowFacts } from './log-facts.ts'
import type { TrainingState } from './training-state.ts'

/** All that an audit found; null for what was not given or is not there. */
export interface AuditFacts {
  folder: string
  adapter: {
    /** sha256 over the sums of its two files; null without weights. */
    digest: string | null
    bytes: number
    inspection: AdapterInspection
  }
  base: {
    declared: string | null
    revision: string | null
    /** Name of the base of this machine that it was held against. */
    here: string | null
    reason: string
    licence: string | null
    endOfLife: { date: string; from: string } | null
    candidates: { name: string; named: boolean; fits: boolean }[]
  }
  compatibility: Verdict
  state: TrainingState
  /** What its record would lack. */
  missing: MissingEntry[]
  logs: RowFacts | null
  rows: RowFacts | null
  evaluation: RowFacts | null
  leaks: Leaks[]
}

/** What somebody does next, with the command where there is one. */
export interface FirstStep {
  what: string
  command: string | null
}

import type { Outcome } from '../../verdict/index.ts'
import type { MissingEntry, Registration } from '../registration.ts'

/** Somebody who answers for an adapter, and when they were last seen, as far as anybody has said or the log shows. */
export interface Person {
  name: string
  lastActive: Date | null
  /** Day on which they leave or have left. */
  left: Date | null
}

/** How the rows of a snapshot are in the store. */
export interface RowFacts {
  /** How many the snapshot has. */
  rows: number
  missing: number
  changed: number
  /** People whose key is gone: their rows cannot be read. */
  withoutKey: number
}

/** When the first row of a source is deleted, by what the configuration says of its retention. */
export interface RetentionFact {
  source: string
  rows: number
  expires: Date
}

export interface EndOfLifeFact {
  /** The last day on which the base is offered. */
  date: Date | null
  /** Who says so. */
  from: string
  /** Whether the provider has stopped listing it. */
  gone: boolean
}

/** What risk is judged by: gathered once, and judged without looking any further. */
export interface RiskFacts {
  name: string
  version: number
  registeredAt: Date
  base: Registration['base']
  owner: Person | null
  deputy: Person | null
  /** What the record lacks. */
  missing: MissingEntry[]
  /** Null where nobody knows the rows. */
  rows: RowFacts | null
  /** Records and files beside the rows that a rebuild reads and that are not there, in words. */
  lostInputs: string[]
  retention: RetentionFact[]
  lastDrill: { at: Date; outcome: Outcome; finding: string | null } | null
  endOfLife: EndOfLifeFact | null
  /** Seconds that the newest migration drill took. */
  migrationSeconds: number | null
  /** Whether a hosted base still answers as it did; null where it is not hosted. */
  fingerprint: { outcome: Outcome; reason: string } | null
}

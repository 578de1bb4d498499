import { z } from 'zod'

export { renderVerdict } from './render.ts'

export type Outcome = 'pass' | 'fail' | 'cannot-tell'

/** The closed words that an operation may add to its outcome. */
export type Finding = 'REPRODUCED' | 'EQUIVALENT' | 'DRIFTED' | 'IMPOSSIBLE'

/** What Regraft decides, with the evidence for it and the command that decides it again. */
export interface Verdict {
  outcome: Outcome
  finding?: Finding
  title: string
  reason: string
  /** The size of the effect, in the unit that `unit` names. */
  effect?: number
  interval?: { low: number; high: number; level: number; method: string }
  unit?: string
  /** Number of items that the decision rests on. */
  n: number
  /** With `cannot-tell`: number of items that would settle it. */
  needed?: number
  seed?: number
  parts?: Verdict[]
  /** Digests of the artifacts and ids of the items that decided it. */
  evidence: string[]
  /** A command that makes this decision again. */
  rerun: string
}

/** A verdict in the answer of an operation. */
export const VerdictOutput = z.custom<Verdict>(
  (value) => typeof value === 'object' && value !== null && 'outcome' in value,
)

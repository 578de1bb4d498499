import { z } from 'zod'

export { renderVerdict } from './render.ts'

export type Outcome = 'pass' | 'fail' | 'cannot-tell'

/** The closed words that an operation may add to its outcome. */
export type Finding = 'REPRODUCED' | 'EQUIVALENT' | 'DRIFTED' | 'IMPOSSIBLE'

/** How a slice of the items fared in a comparison. */
export interface SliceFinding {
  /** `name=value`, for example `channel=phone`. */
  slice: string
  /** Whether it was declared before the comparison that it decides. */
  critical: boolean
  n: number
  /** Difference on the slice alone, in the unit of the verdict. */
  effect: number
  /** The same, drawn towards the mean of the slices of its name. */
  pooled: { estimate: number; low: number; high: number }
  /** Of "has not lost", corrected for all slices (Holm). */
  p: number
  regressed: boolean
  /** Of a regressed slice: ids of items that were lost, not all where there are many. */
  items?: string[]
}

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
  /** Values of the effect that part passing from failing: a margin, or both margins. */
  limits?: number[]
  /** Number of items that the decision rests on. */
  n: number
  /** With `cannot-tell`: number of items that would settle it. */
  needed?: number
  seed?: number
  /** Probability of passing if the alternative were true; of several parts, that all pass, taken as independent. */
  power?: { value: number; alternative: string }
  parts?: Verdict[]
  /** How each slice of the items fared; only those that are critical, which are parts too, decide. */
  slices?: SliceFinding[]
  /** Digests of the artifacts and ids of the items that decided it. */
  evidence: string[]
  /** A command that makes this decision again. */
  rerun: string
}

/** A verdict in the answer of an operation. */
export const VerdictOutput = z.custom<Verdict>(
  (value) => typeof value === 'object' && value !== null && 'outcome' in value,
)

import type { PiiKind, ScreenCoverage } from '@regraft/methods'
import type { ExampleKind, Provenance, WeightFindings } from '../signals/index.ts'
import type { Fault, FeedbackPayload } from '../store/types.ts'
import type { DropReason } from './drop-explanations.ts'
import type { Parts } from './splits/index.ts'

/**
 * Where an inference came from: `import:<file digest>:<line>`, 'serving' for one that was answered here, 'trace' for a span,
 * `rescue:<adapter digest>` for one that an adapter was asked for the sake of its answer.
 */
export type RowSource = `import:${string}:${number}` | 'serving' | 'trace' | 'canary' | `rescue:${string}`

/** A row that is in a snapshot, and why. Snapshots hold digests, never text. */
export interface SnapshotRow {
  /** Id and digest of the example row. */
  id: string
  digest: string
  split: 'train' | 'validation'
  signal: FeedbackPayload['type'] | 'canary' | 'teacher'
  /** Rule of the signal compiler, and id of the compiled signal, which a person can judge. */
  rule?: Provenance['rule']
  signalId?: string
  /** Whether the answer that was given is said to be wrong or unwelcome; absent where nobody has said it. */
  fault?: Fault
  flags?: Provenance['flags']
  /** The inference that it was made from, and the feedback rows that say what the answer should be. */
  inference: string
  feedback: string[]
  source: RowSource
  occurredAt: string
  /** Absent for new rows: replayed from older rows of the task, drawn from a general task, or planted. */
  origin?: 'past' | 'general' | 'canary'
  /** Probability that the signal is right, where it has been calibrated. */
  probability?: number
  /** Weight in the loss; 1 where it is absent. */
  weight?: number
  /** Probability with which the row came to bear its signal; its inverse, clipped, is part of the weight. */
  propensity?: number
  /** Kinds of personal data that were found in it: masked, unless the build only flags them. */
  pii?: PiiKind[]
}

/** Where rows of a snapshot come from, and what is stated of the rights on them. */
export interface SnapshotSource {
  /** `import:<file digest>`, 'serving', 'trace' or `rescue:<adapter digest>`. */
  source: string
  rows: number
  consent: string | null
  licence: string | null
}

/** A row that was left out, and why. */
export interface DroppedRow {
  inference: string
  source: RowSource
  reason: DropReason
  /** For a duplicate: the inference that survives. For an overlap, or a row made from an item: the suite item, and the rungs that matched. */
  of?: string
  rungs?: string[]
  /** For a near duplicate: word-bigram Jaccard similarity to the survivor. */
  similarity?: number
  /** For a duplicate: why the other one survives: a more trusted signal, a later time, or (all equal) its id. */
  survivor?: 'signal' | 'time' | 'id'
}

/** Personal data that a build met: rows that hold any, and pieces by kind. */
export interface PiiFindings {
  mode: 'mask' | 'flag' | 'drop'
  rows: number
  found: Partial<Record<PiiKind, number>>
}

/** The content of a snapshot artifact. */
export interface SnapshotManifest {
  /** What its examples are; absent for demonstrations, as in the first snapshots. */
  kind?: Exclude<ExampleKind, 'demonstrations'>
  task: string | null
  /** What the people whose words these are agreed to; null when nobody has stated it. */
  consent: string | null
  suite: string
  /** The newest rows, sealed for this cycle alone, which it was kept from too. */
  fresh?: string
  /** Further suites that it was kept from; absent for none. */
  alsoKeptFrom?: string[]
  /** What the split follows; chance for rows without times of their own. */
  splitBy: Parts<unknown>['by']
  rows: SnapshotRow[]
  dropped: DroppedRow[]
  /** Absent in snapshots of version 1. */
  sources?: SnapshotSource[]
  /** Digest of the calibration of the rules; absent where there was none. */
  calibration?: string
  /** What was done to the weights, where examples were weighed. */
  weights?: WeightFindings
  /** Whether rules that have not been calibrated count everywhere. */
  uncalibrated?: true
  /** Shares that were asked for and those that there were rows for. */
  replay?: { asked: { past: number; general: number }; past: number; general: number }
  /** The adapter whose answers it teaches, and how often a model has learned from a model on the way here. */
  rescued?: { adapter: string; depth: number; leastConfidence: number }
  /** What the scan for personal data did and found, in the rows that the other stages kept; absent when there was none. */
  pii?: PiiFindings
  /** Rows that passed the other rungs and resemble an item, one entry for each suite; absent where none were measured. */
  paraphrases?: {
    /** Digest of the measurement, which has the pairs. */
    measurement: string
    embedder: string
    threshold: number
    rows: number
    /** Whether they were left out, or only counted. */
    dropped: boolean
    /** Pairs by what a judge said of them, where one was asked. */
    judged?: Record<string, number>
  }[]
  /** For each rung of the overlap check: how many texts of the suite it can see. Snapshots up to version 5 compared prompts only. */
  coverage: (Omit<ScreenCoverage, 'text' | 'repeated'> & Partial<Pick<ScreenCoverage, 'text' | 'repeated'>>)[]
}

/** The suites that were kept out of a snapshot: its own, the fresh one, and further ones that the build was told of. */
export function suitesKeptOut({ suite, fresh, alsoKeptFrom = [] }: SnapshotManifest): string[] {
  return [suite, ...(fresh === undefined ? [] : [fresh]), ...alsoKeptFrom]
}

/** What the examples of a snapshot are. */
export function kindOf({ kind }: Pick<SnapshotManifest, 'kind'>): ExampleKind {
  return kind ?? 'demonstrations'
}

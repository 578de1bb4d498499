import type { ScreenCoverage } from '@regraft/methods'
import type { ProjectStore } from '../../store/types.ts'
import type { SnapshotParameters } from '../build-snapshot.ts'
import type { Candidate } from '../candidates.ts'
import type { DropReason } from '../drop-explanations.ts'
import type { DroppedRow, SnapshotManifest } from '../manifest.ts'
import type { ParaphraseMeasurement } from '../paraphrase-step.ts'
import type { VaultSuite, VaultVisit } from '../vault/index.ts'

/** What the stages of a build share. */
export interface Build {
  parameters: SnapshotParameters
  seed: number
  project: ProjectStore
  signal: AbortSignal
  /** The suites that the snapshot is kept from. */
  suites: VaultSuite[]
  /** The one way to the text of their items. */
  vault: VaultVisit
  /** Which rows resemble items of the suites, by the digest of the measurement. */
  paraphrases: { digest: string; measurement: ParaphraseMeasurement }[]
  /** Leaves a row out of the snapshot, with its reason. */
  drop(
    row: Candidate,
    reason: DropReason,
    details?: Pick<DroppedRow, 'of' | 'rungs' | 'similarity' | 'survivor'>,
  ): void
  /** What a stage has to say in the manifest beside the rows that it drops. */
  findings: Partial<Pick<SnapshotManifest, 'paraphrases' | 'pii' | 'weights'>> & {
    coverage?: ScreenCoverage[]
  }
}

/** One stage of a build: returns the rows that it keeps, in their order, and drops each of the others with a reason. */
export type Stage = (rows: Candidate[], build: Build) => Candidate[] | Promise<Candidate[]>

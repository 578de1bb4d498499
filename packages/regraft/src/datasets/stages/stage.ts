import type { ScreenCoverage } from '@regraft/methods'
import type { ProjectStore } from '../../store/types.ts'
import type { SnapshotParameters } from '../build-snapshot.ts'
import type { Candidate } from '../candidates.ts'
import type { DropReason } from '../drop-explanations.ts'
import type { DroppedRow, SnapshotManifest } from '../manifest.ts'
import type { ParaphraseMeasurement } from '../paraphrase-step.ts'
import type { VaultSuite, VaultVisit } from '../vault/index.ts'

/** What the stages share that keep rows and items apart: a build has it, and so has the screening of a snapshot. */
export interface ScreenContext {
  parameters: Pick<SnapshotParameters, 'splitBy' | 'dropParaphrases'>
  project: ProjectStore
  signal: AbortSignal
  /** The suites that rows are kept from. */
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
  /** What a stage has to say beside the rows that it drops. */
  findings: Pick<SnapshotManifest, 'paraphrases'> & { coverage?: ScreenCoverage[] }
}

/** What the stages of a build share. */
export interface Build extends ScreenContext {
  parameters: SnapshotParameters
  seed: number
  findings: ScreenContext['findings'] & Partial<Pick<SnapshotManifest, 'pii' | 'weights'>>
}

/** One stage: returns the rows that it keeps, in their order, and drops each of the others with a reason. */
export type Stage<Context = Build> = (
  rows: Candidate[],
  context: Context,
) => Candidate[] | Promise<Candidate[]>

// The store as other modules see it. Rows and their payloads are in row-types.ts, keys, vault and traces in privacy-types.ts,
// the audit log in audit-types.ts; all are reached through this file.

import type { AuditTable } from './audit-types.ts'
import type { Keyring, TraceTable, VaultTable } from './privacy-types.ts'
import type {
  ExampleRow,
  FeedbackRow,
  InferenceRow,
  NewExample,
  NewFeedback,
  NewInference,
  RowTable,
} from './row-types.ts'

export type * from './audit-types.ts'
export type * from './privacy-types.ts'
export type * from './row-types.ts'

export type ArtifactKind =
  | 'selection'
  | 'snapshot'
  | 'recipe'
  | 'run'
  | 'adapter'
  | 'base'
  | 'suite'
  | 'measurement'
  | 'verdict'
  | 'route'
  | 'registration'
  | 'file'
  | 'certificate'

/** Something addressed by the digest of its bytes, made by an execution. */
export interface Artifact {
  digest: string
  kind: ArtifactKind
  schemaVersion: number
  /** Size of the canonical bytes. */
  size: number
  createdAt: Date
  /**
   * Execution that made it first; null for what came from outside (an imported file, a base), which is also what
   * an execution read before any had made it.
   */
  firstExecution: string | null
}

export type Determinism = 'pure' | 'seeded' | 'external'

/** One run of a step: it owns the edges of the lineage graph. */
export interface Execution {
  id: string
  step: string
  version: number
  determinism: Determinism
  /** Digest of step, version, inputs, parameters and seed. */
  stepKey: string
  parameters: unknown
  /** Of a seeded step. */
  seed?: number | null
  inputs: Edge[]
  outputs: Edge[]
  environment: Record<string, unknown>
  startedAt: Date
  finishedAt: Date
}

export interface Edge {
  /** What the artifact is to the step, for example 'snapshot'. */
  role: string
  digest: string
}

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export interface Job {
  id: string
  operation: string
  input: unknown
  principal: string
  state: JobState
  progress: unknown
  result: unknown
  error: unknown
  idempotencyKey: string | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  /** Times that a runner took it up; above 1 after a crash. */
  attempts: number
  cancelRequested: boolean
}

export interface JobEvent {
  seq: number
  at: Date
  event: unknown
}

export interface ApiKey {
  id: string
  name: string
  scopes: string[]
  createdAt: Date
  revokedAt: Date | null
}

/** Everything of one project; the only handle on stored data. */
export interface ProjectStore {
  readonly projectId: string
  readonly inferences: RowTable<InferenceRow, NewInference>
  readonly feedback: RowTable<FeedbackRow, NewFeedback>
  readonly examples: RowTable<ExampleRow, NewExample>
  readonly artifacts: ArtifactTable
  readonly executions: ExecutionTable
  readonly jobs: JobTable
  readonly aliases: AliasTable
  readonly apiKeys: ApiKeyTable
  readonly blobs: BlobStore
  readonly responses: ResponseTable
  readonly locations: LocationTable
  readonly keys: Keyring
  readonly vault: VaultTable
  readonly traces: TraceTable
  readonly audit: AuditTable
}

export interface ArtifactTable {
  /** Stores canonical bytes under their digest; storing the same bytes again changes nothing. */
  put(artifact: { kind: ArtifactKind; schemaVersion: number; value: unknown }): Promise<Artifact>
  get(digest: string): Promise<Artifact | null>
  /** The parsed value; its bytes are checked against the digest. Throws 'not-found' and 'digest-mismatch'. */
  read<T>(digest: string): Promise<T>
  /** The canonical bytes themselves, checked as in `read`. */
  readBytes(digest: string): Promise<{ artifact: Artifact; bytes: Uint8Array }>
  /** Resolves a unique prefix of at least 6 hex digits, or an alias. Throws 'not-found' or 'conflict' (ambiguous). */
  resolve(prefixOrAlias: string): Promise<Artifact>
  list(kind?: ArtifactKind): Promise<Artifact[]>
  /** Those of the digests that no artifact has. */
  absent(digests: readonly string[]): Promise<string[]>
  /** Artifacts whose value has these members, oldest first; a member that is an object may have more of its own. */
  find(kind: ArtifactKind, members: Record<string, unknown>): Promise<Artifact[]>
  remove(digest: string): Promise<void>
  /** Links rows to the snapshot that pins them. */
  pinRows(snapshot: string, rows: { id: string; digest: string; split: string }[]): Promise<void>
  pinnedRows(snapshot: string): AsyncIterable<{ id: string; digest: string; split: string }>
  snapshotsOfRows(rowIds: string[]): Promise<string[]>
  /** How the rows of a snapshot are in the store; null when it is not there itself. Digests are compared, not computed. */
  rowsOfSnapshot(snapshot: string): Promise<SnapshotRows | null>
}

export interface SnapshotRows {
  /** How many its manifest has. */
  rows: number
  /** How many are stored. */
  present: number
  /** Those of them whose digest is another one. */
  changed: number
  /** End users whose words they hold. */
  subjects: string[]
}

export interface ExecutionTable {
  record(execution: Execution): Promise<void>
  get(id: string): Promise<Execution | null>
  /** The newest execution with this step key, for the cache of pure and seeded steps. */
  findByStepKey(stepKey: string): Promise<Execution | null>
  /** The execution that made an artifact first, also when the artifact is gone; see `Artifact.firstExecution`. */
  makerOf(digest: string): Promise<Execution | null>
  producing(digest: string): Promise<Execution[]>
  consuming(digest: string): Promise<Execution[]>
}

export interface JobTable {
  create(job: {
    operation: string
    input: unknown
    principal: string
    idempotencyKey?: string | null
  }): Promise<Job>
  get(id: string): Promise<Job | null>
  list(options?: { state?: JobState; limit?: number }): Promise<Job[]>
  /** Takes a queued job; null when another runner has it (see `requeueOrphans`) or it has ended. */
  claim(id: string, runner: string): Promise<Job | null>
  finish(
    id: string,
    end: { state: 'succeeded' | 'failed' | 'cancelled'; result?: unknown; error?: unknown },
  ): Promise<void>
  setProgress(id: string, progress: unknown): Promise<void>
  requestCancel(id: string): Promise<void>
  /** Puts running jobs of runners that are gone back into the queue; returns their ids. */
  requeueOrphans(aliveRunners: string[]): Promise<string[]>
  appendEvent(id: string, event: unknown): Promise<number>
  events(id: string, afterSeq: number): Promise<JobEvent[]>
}

export interface AliasTable {
  set(name: string, digest: string): Promise<void>
  get(name: string): Promise<string | null>
  list(prefix?: string): Promise<{ name: string; digest: string; updatedAt: Date }[]>
  remove(name: string): Promise<void>
}

export interface ApiKeyTable {
  /** Stores the sha256 of a key; the key itself is returned once and never stored. */
  create(name: string, scopes: string[]): Promise<{ key: string; record: ApiKey }>
  verify(key: string): Promise<ApiKey | null>
  list(): Promise<ApiKey[]>
  /** Throws 'not-found'. */
  revoke(id: string): Promise<void>
}

/** The bytes of a file, without all of them in memory. */
export interface StoredFile {
  /** Bytes. */
  size: number
  chunks(): AsyncIterable<Uint8Array>
  /** The bytes from `start` up to `end`. */
  slice(start: number, end?: number): Promise<Uint8Array>
}

/** Files addressed by the sha256 of their bytes. */
export interface BlobStore {
  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }>
  putFile(path: string): Promise<{ digest: string; size: number }>
  has(digest: string): Promise<boolean>
  /** Reads and checks the digest. Throws 'not-found' and 'digest-mismatch'. */
  read(digest: string): Promise<Uint8Array>
  /** Checks the digest and gives the file to be read piece by piece. Throws as `read` does. */
  open(digest: string): Promise<StoredFile>
  /** Copies to a path, checking the digest while it goes. */
  copyTo(digest: string, path: string): Promise<void>
  remove(digest: string): Promise<void>
}

/** What hosted models and people answered: a step that calls them resumes and replays from here. */
export interface ResponseTable {
  get(requestDigest: string, sampleIndex: number): Promise<Uint8Array | null>
  /** Keeps the first answer to a request; returns the bytes that are kept. */
  put(requestDigest: string, sampleIndex: number, bytes: Uint8Array): Promise<Uint8Array>
}

/** A file that is used where it lies instead of being copied into the blobs. */
export interface FileLocation {
  /** sha256 of the file's bytes. */
  digest: string
  path: string
  size: number
  /** Time of the file's last change when it was hashed: if it differs, hash it again. */
  modifiedAt: Date
}

export interface LocationTable {
  set(location: FileLocation): Promise<void>
  find(digest: string): Promise<FileLocation[]>
  remove(digest: string, path: string): Promise<void>
}

/** A message of a conversation, as in OpenAI's chat format. */
export interface Message {
  role: string
  content: string
}

/** What one call of a model was: stored as canonical JSON bytes, never changed. */
export interface InferencePayload {
  messages: Message[]
  /** The answer that was given; null when only the prompt is known (a labelled file). */
  response: string | null
  model: string | null
  /** Digest of the adapter that answered. */
  adapter: string | null
  route: string | null
  parameters: Record<string, unknown>
  latencyMs: number | null
  usage: { promptTokens: number; completionTokens: number } | null
  finishReason: string | null
  source: { kind: 'import'; file: string; line: number } | { kind: 'serving' }
}

/** A signal about an inference. `label` is a human's gold answer, `correction` an agent's replacement answer. */
export type FeedbackPayload = { author: string | null } & (
  | { type: 'correction' | 'edit' | 'label'; value: string }
  | { type: 'thumbs'; value: 1 | -1 }
  | { type: 'accept' }
  | { type: 'comment'; value: string }
)

/** What can be trained on: a demonstration (which bears no kind), a pair of answers, or an answer marked good or bad. */
export type ExamplePayload = {
  messages: Message[]
  signal: FeedbackPayload['type']
} & (
  | { kind?: undefined; completion: string }
  | { kind: 'preference'; chosen: string; rejected: string }
  | { kind: 'desirability'; completion: string; label: boolean }
)

/** A row: UUIDv7 id, digest of the canonical payload bytes, and what it was derived from. */
export interface Row<Payload> {
  id: string
  digest: string
  payload: Payload
  occurredAt: Date
  /** Ids of the rows it was made from. */
  derivedFrom: string[]
}

/** A row without its payload. */
export type RowLink = Pick<Row<unknown>, 'id' | 'digest' | 'derivedFrom'>

export type InferenceRow = Row<InferencePayload>
export type FeedbackRow = Row<FeedbackPayload> & { inferenceId: string }
export type ExampleRow = Row<ExamplePayload>

/** A row about to be stored; a row with the id or the source key of a stored one is a duplicate, not an error. */
export interface NewRow<Payload> {
  id: string
  payload: Payload
  occurredAt: Date
  derivedFrom?: string[]
  /** Idempotency key, for example `import:<file digest>:<line>`. */
  sourceKey?: string | null
}
export type NewInference = NewRow<InferencePayload>
export type NewFeedback = NewRow<FeedbackPayload> & { inferenceId: string }
export type NewExample = NewRow<ExamplePayload>

export interface InsertReport {
  inserted: number
  duplicates: number
  /** Rows that the database refuses; the others of the batch are stored. */
  rejected: { id: string; reason: string }[]
}

export interface RowQuery {
  ids?: string[]
  /** Half-open interval of `occurredAt`. */
  from?: Date
  until?: Date
  /** Only rows stored up to this watermark (see `watermark()`). */
  watermark?: string
  /** Only of feedback: rows about these inferences. */
  inferenceIds?: string[]
  /** Rows made from one of these rows (`derivedFrom`). */
  derivedFrom?: string[]
}

export interface RowTable<Stored, New> {
  /** Stores rows idempotently; a batch that the database refuses is bisected so that only the bad rows fail. */
  insert(rows: New[]): Promise<InsertReport>
  /** Rows in the order of (occurredAt, id), read in pages. */
  select(query?: RowQuery): AsyncIterable<Stored>
  /** Rows without their payloads, in the order in which they were stored; the digests are not checked. */
  links(query?: RowQuery): AsyncIterable<RowLink>
  /** Only the digests, in the same order: many times faster. */
  digests(query?: RowQuery): AsyncIterable<string>
  count(query?: RowQuery): Promise<number>
  /** Removes rows, except those that a snapshot pins unless `force`. Returns how many it removed. */
  remove(ids: string[], options?: { force?: boolean }): Promise<number>
  /** A mark such that rows stored later are above it. */
  watermark(): Promise<string>
}

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
  /** Artifacts whose value has these members, oldest first; a member that is an object may have more of its own. */
  find(kind: ArtifactKind, members: Record<string, unknown>): Promise<Artifact[]>
  remove(digest: string): Promise<void>
  /** Links rows to the snapshot that pins them. */
  pinRows(snapshot: string, rows: { id: string; digest: string; split: string }[]): Promise<void>
  pinnedRows(snapshot: string): AsyncIterable<{ id: string; digest: string; split: string }>
  snapshotsOfRows(rowIds: string[]): Promise<string[]>
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

/** Files addressed by the sha256 of their bytes. */
export interface BlobStore {
  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<{ digest: string; size: number }>
  putFile(path: string): Promise<{ digest: string; size: number }>
  has(digest: string): Promise<boolean>
  /** Reads and checks the digest. Throws 'not-found' and 'digest-mismatch'. */
  read(digest: string): Promise<Uint8Array>
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

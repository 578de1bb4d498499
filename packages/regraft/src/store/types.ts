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
  source:
    | { kind: 'import'; file: string; line: number }
    | { kind: 'serving' }
    | { kind: 'trace'; trace: string; span: string }
  /** Every answer of a call that made several, in the order in which they were shown; `response` is the first. */
  candidates?: { content: string; finishReason: string | null }[]
  /**
   * Request messages and choices as they were, where `messages` and `response` leave something out (tool calls, images).
   * Such a row is kept and audited, and never trained on.
   */
  exact?: { messages: unknown[]; choices: unknown[] }
  /** Name of the upstream that answered; absent for the embedded engine. */
  upstream?: string
  /** Digest of the configuration of the route that answered. */
  configDigest?: string
  /** Time to the first piece of a streamed answer. */
  firstTokenMs?: number
  cost?: { amount: number; currency: string }
  /** The conversation that the call belongs to, as the product names it. */
  conversation?: string
  /** Probability with which this model was chosen to answer; absent where nothing was drawn. */
  propensity?: number
  /** Of a row of an exported snapshot that was imported: the source that its manifest named, and the rights on it. */
  origin?: { source: string; consent: string | null; licence: string | null }
}

/** Whether an answer is factually wrong, or right and not what the person wanted (tone, length, a refusal). */
export type Fault = 'wrong' | 'unwelcome'

/** What every event may say beside its signal. */
interface FeedbackContext {
  author: string | null
  /** The candidate that is meant, by its index, where the inference has several; else the first. */
  candidate?: number
  /** Where it was shown, from 0. */
  position?: number
  /** Probability with which it was shown, or its feedback asked for. */
  propensity?: number
  /**
   * Of a row of an exported snapshot that was imported: what the signal counted for there, so that it does here. Absent
   * members are those that the snapshot's row had not.
   */
  stated?: { signal: FeedbackPayload['type']; probability?: number; weight?: number }
}

/**
 * A signal about an inference.
 *
 * `label` is a human's gold answer, `correction` an agent's replacement answer, `edit` what the user made of the answer.
 * `regenerate` and `rephrase` may name the inference that came next. `vote` compares the answer with another one that was
 * shown beside it: an inference, or a candidate of the same one. `judgement` is a human's judgement for calibration: of
 * the answer, or, with `signal`, of the compiled signal with that id.
 */
export type FeedbackPayload = FeedbackContext &
  (
    | { type: 'correction' | 'edit' | 'label' | 'comment'; value: string }
    | { type: 'thumbs'; value: 1 | -1; fault?: Fault }
    | { type: 'accept' | 'copy' }
    | { type: 'abandon'; fault?: Fault }
    | { type: 'regenerate' | 'rephrase'; next?: string; fault?: Fault }
    | { type: 'vote'; value: 'win' | 'lose' | 'tie'; other: { inference: string } | { candidate: number } }
    | { type: 'judgement'; value: 'right' | Fault; signal?: string }
  )

/** What can be trained on: a demonstration (which bears no kind), a pair of answers, or an answer marked good or bad. */
export type ExamplePayload = {
  messages: Message[]
  signal: FeedbackPayload['type'] | 'canary' | 'replay'
  /** Probability that the signal is right, where it has been calibrated: 1 − label smoothing of a pair. */
  probability?: number
  /** Weight of the example in the loss; 1 where it is absent. */
  weight?: number
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
  /** The end user whose words it holds, as a keyed hash (`Keyring.subjectOf`); its payload is stored under their key. */
  subject: string | null
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
  /** Keyed hash of the end user: the payload is encrypted before it is stored. */
  subject?: string | null
}

/** A row of a subject whose payload has been encrypted: what the journal carries, so that no clear text reaches a disk. */
export type SealedRow<New> = Omit<New, 'payload'> & {
  subject: string
  /** Keyed digest of the payload (HMAC-SHA256 under the subject's key). */
  digest: string
  /** Base64. */
  sealed: string
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
  /** Rows of this end user. */
  subject?: string
}

export interface RowTable<Stored, New> {
  /**
   * Stores rows idempotently; a batch that the database refuses is bisected so that only the bad rows fail.
   * A row with a subject is sealed first, unless it is already.
   */
  insert(rows: (New | SealedRow<New>)[]): Promise<InsertReport>
  /** Encrypts the payload of a row that has a subject, under the subject's key; returns any other row as it is. */
  seal(row: New): Promise<New | SealedRow<New>>
  /** Rows in the order of (occurredAt, id), read in pages; without those whose subject's key has been destroyed. */
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
}

/** What was asked of a sealed suite. */
export interface VaultQuery {
  id: string
  /** Digest of the suite. */
  suite: string
  purpose: 'screen' | 'evaluate' | 'show' | 'export'
  principal: string
  /** Rows screened or items answered. */
  rows: number
  hits: number
  details: Record<string, unknown>
  at: Date
}

/** The log of a vault: what was asked of its suites, and which items a person has seen. */
export interface VaultTable {
  log(query: Omit<VaultQuery, 'id' | 'at'>): Promise<VaultQuery>
  /** Oldest first. */
  queries(suite: string): Promise<VaultQuery[]>
  /** Marks items as seen by a person; returns how many were not before. */
  burn(burn: { suite: string; items: string[]; principal: string; reason: string }): Promise<number>
  burns(suite: string): Promise<{ item: string; principal: string; reason: string; at: Date }[]>
}

/** A text that the database holds beside the rows of traffic. */
export interface StoredText {
  table: 'artifacts' | 'executions' | 'jobs' | 'job_events' | 'responses'
  /** Digest or id; of an event the job and its number, of a response the request and its sample. */
  key: string
  bytes: Uint8Array
}

/** A file of the database server, read through its own connection. */
export interface ServerFile {
  path: string
  chunks(): AsyncIterable<Uint8Array>
}

/** What erasing must look into beside the rows: other texts, and the files in which a database keeps what was removed. */
export interface TraceTable {
  texts(): AsyncIterable<StoredText>
  /**
   * Removes a kept answer or an event, and what a job was given and answered; false for artifacts and executions, which
   * stay: others depend on their digests.
   */
  clear(text: Pick<StoredText, 'table' | 'key'>): Promise<boolean>
  /** Makes everything that the database has acknowledged survive a power cut. */
  flush(): Promise<void>
  /**
   * Rewrites tables without the rows that were removed from them, and cuts off the log behind. Returns what could not be
   * done, in words.
   */
  compact(tables: readonly RewritableTable[]): Promise<string[]>
  /** The files of a server; null where they lie in the data directory, a reason where they cannot be read. */
  serverFiles(): Promise<ServerFile[] | { reason: string } | null>
}

export type RewritableTable = StoredText['table'] | 'inferences' | 'feedback' | 'examples'

/** What a key encrypts: the words of one end user (a keyed hash), or the items of a sealed suite. */
export type KeyName = `subject/${string}` | `vault/${string}`

/**
 * The keys of a project, each a file of its own outside the database, so that destroying one makes unreadable what the
 * database's files and log still hold. AES-256-GCM with a synthetic nonce: the same bytes under the same key are the same
 * sealed bytes.
 */
export interface Keyring {
  /** The keyed hash that stands for an end user: HMAC-SHA256 of their id under the project's own key, 64 hex digits. */
  subjectOf(id: string): Promise<string>
  /** Encrypts; the key is made at its first use. */
  seal(key: KeyName, bytes: Uint8Array): Promise<Uint8Array>
  /**
   * Null when there is no such key (any more), also when a new one has its name since. Throws 'digest-mismatch' for
   * bytes that were changed.
   */
  open(key: KeyName, sealed: Uint8Array): Promise<Uint8Array | null>
  /** Keyed digest in the form of a digest, `sha256:` and the 64 hex digits of the HMAC-SHA256. */
  digest(key: KeyName, bytes: Uint8Array): Promise<string>
  has(key: KeyName): Promise<boolean>
  /** Overwrites and removes the key's file; false when there was none. */
  destroy(key: KeyName): Promise<boolean>
  /** Signs with the project's ed25519 key, made at its first use. `publicKey` is PEM (SPKI), `signature` base64. */
  sign(bytes: Uint8Array): Promise<{ publicKey: string; signature: string }>
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

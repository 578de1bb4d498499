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
    /**
     * An adapter was asked for the sake of its answer; `confidence` is the probability of the whole answer, null for a
     * prompt that was made up to be asked.
     */
    | { kind: 'rescue'; adapter: string; confidence: number | null }
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
  signal: FeedbackPayload['type'] | 'canary' | 'replay' | 'teacher'
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

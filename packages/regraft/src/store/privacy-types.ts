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
  table: 'artifacts' | 'executions' | 'jobs' | 'job_events' | 'responses' | 'audit_log'
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
   * Removes a kept answer or an event, and what a job was given and answered; false for artifacts, executions and the
   * audit log, which stay: others depend on their digests.
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

/** What is written down about the fleet and about data that leaves or goes. */
export type AuditAction =
  | 'register'
  | 'adopt'
  | 'move-alias'
  | 'drill'
  | 'migrate'
  | 'rescue'
  | 'erase'
  | 'export-vault'

/** What happened, without any text of an end user: names, digests, outcomes, and what an operator gives as a reason. */
export interface NewAuditEntry {
  principal: string
  action: AuditAction
  /** Name of what it is about: of a registered adapter, or of a suite. */
  about: string
  /** Digest of the artifact that it is about. */
  subject: string | null
  details: Record<string, unknown>
}

/** A line of the audit log. It names the hash of the one before it, so that none can be changed or taken out unseen. */
export interface AuditEntry extends NewAuditEntry {
  /** From 1, without gaps. */
  seq: number
  at: Date
  /** Hash of the entry before; null for the first. */
  previous: string | null
  /** sha256 over the canonical JSON of project, number, time, the above and `previous`. */
  hash: string
  /** Key that signed it, PEM (SPKI). */
  publicKey: string
  /** ed25519 signature of the text of `hash`, base64. */
  signature: string
}

/** An alias that is moved together with an entry; `expected` is where it must still stand, null for nowhere. */
export interface AliasMove {
  name: string
  digest: string
  expected: string | null
}

/** The append-only log of a project. */
export interface AuditTable {
  /**
   * Appends, signed with the project's key, and moves aliases in the same transaction: all of it happens or nothing.
   * Throws 'conflict' when an alias no longer stands where it was expected.
   */
  append(entries: readonly NewAuditEntry[], moves?: readonly AliasMove[]): Promise<AuditEntry[]>
  /** Oldest first; with `about` those about one name, with `newest` only so many of the last. */
  list(options?: { about?: string; newest?: number }): Promise<AuditEntry[]>
  /** All of them, oldest first. */
  entries(): AsyncIterable<AuditEntry>
  /** When each principal last appeared. */
  lastSeen(): Promise<Map<string, Date>>
}

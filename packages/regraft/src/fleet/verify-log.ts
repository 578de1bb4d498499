import { verify } from 'node:crypto'
import { type AuditEntry, hashOfEntry } from '../store/index.ts'

/** What checking a log found. */
export interface ChainFinding {
  /** Entries that were read and are sound. */
  sound: number
  /** The last sound entry: keep it elsewhere, a log whose end was cut off looks whole. */
  head: { seq: number; hash: string } | null
  /** The first entry at which the chain breaks. */
  broken: { seq: number; reason: string } | null
  /** Whether the head that was kept elsewhere is in the chain; null where none was given. */
  headFound: boolean | null
}

export interface ChainExpectation {
  projectId: string
  /** Key of the project, PEM (SPKI): a log may not say itself who has signed it. */
  publicKey: string
  /** Hash, or the beginning of one, that was kept elsewhere. */
  head?: string | undefined
}

/** Walks over a log from its first entry, and stops at the first that does not belong there. */
export async function verifyChain(
  entries: AsyncIterable<AuditEntry>,
  { projectId, publicKey, head }: ChainExpectation,
): Promise<ChainFinding> {
  const finding: ChainFinding = {
    sound: 0,
    head: null,
    broken: null,
    headFound: head === undefined ? null : false,
  }
  for await (const entry of entries) {
    const reason = faultOf(entry, finding.head, { projectId, publicKey })
    if (reason !== null) {
      finding.broken = { seq: (finding.head?.seq ?? 0) + 1, reason }
      return finding
    }
    finding.sound++
    finding.head = { seq: entry.seq, hash: entry.hash }
    if (head !== undefined && withoutPrefix(entry.hash).startsWith(withoutPrefix(head)))
      finding.headFound = true
  }
  return finding
}

/** What is wrong with an entry that should come after `last`; null when it is sound. */
export function faultOf(
  entry: AuditEntry,
  last: { seq: number; hash: string } | null,
  { projectId, publicKey }: Omit<ChainExpectation, 'head'>,
): string | null {
  const seq = (last?.seq ?? 0) + 1
  if (entry.seq !== seq) return `it is missing: number ${entry.seq} comes next`
  if (hashOfEntry(projectId, entry) !== entry.hash) return 'it was changed: its hash is another one'
  if (entry.previous !== (last?.hash ?? null)) return 'it does not follow the entry before it'
  return signatureFaultOf(entry, publicKey)
}

/** What is wrong with the signature of an entry; null when the project's key has signed its hash. */
export function signatureFaultOf(entry: AuditEntry, publicKey: string): string | null {
  if (entry.publicKey !== publicKey) return 'it was signed with a key that is not the one of this project'
  const signature = Buffer.from(entry.signature, 'base64')
  return verify(null, Buffer.from(entry.hash), publicKey, signature) ? null : 'its signature does not fit'
}

function withoutPrefix(hash: string): string {
  return hash.replace(/^sha256:/, '')
}

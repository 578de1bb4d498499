import { createPublicKey, verify } from 'node:crypto'
import { canonicalBytes } from '../../store/index.ts'
import type { Keyring } from '../../store/types.ts'
import type { Verdict } from '../../verdict/index.ts'
import type { TakenOut, TrainedAdapter } from './reach.ts'
import type { Find } from './search.ts'

/** What was removed and what was not. It names ids and digests, and nothing that anybody wrote. */
export interface Certificate {
  version: 1
  project: string
  /** Keyed hash of the person: only whoever has the project's keys can say whose it is. */
  subject: string
  plannedAt: string
  /** At the latest; null when there was no key: no row of the person was ever stored under one. */
  keyDestroyedAt: string | null
  finishedAt: string
  removed: {
    /** Rows by table: the person's own, and those made from them. */
    own: Record<string, number>
    derived: Record<string, number>
    /** sha256 of the canonical JSON list of the ids of all removed rows, sorted; the plan lists them. */
    rows: string
    blobs: string[]
    paths: string[]
    jobs: number
    answers: number
    journal: { rejectedLines: number }
  }
  /** Files that rows were imported from, whose other rows stay in the store. */
  imports: string[]
  snapshots: string[]
  suites: { suite: string; items: number }[]
  /** Files that were taken out of reach, with who took them. */
  exports: TakenOut[]
  /** Adapters whose weights learned from removed rows: they must be trained again. */
  retrain: TrainedAdapter[]
  drill: Drill
  /** What this erasure cannot cover, in words. */
  notCovered: string[]
}

/** What a search of all files for the person's words came to. */
export interface Drill {
  verdict: Verdict
  /** Distinct texts of the person, those that something distinctive stands for, and the pieces that were looked for. */
  texts: number
  covered: number
  pieces: number
  files: number
  bytes: number
  finds: Find[]
  /** Artifacts and executions that hold words. */
  records: { table: string; key: string }[]
}

/** A certificate with the signature over its canonical JSON (RFC 8785), by the project's ed25519 key. */
export interface SignedCertificate extends Certificate {
  signature: {
    algorithm: 'ed25519'
    /** PEM, SPKI. */
    publicKey: string
    /** Base64. */
    value: string
  }
}

export async function signCertificate(keys: Keyring, certificate: Certificate): Promise<SignedCertificate> {
  const { publicKey, signature } = await keys.sign(canonicalBytes(certificate))
  return { ...certificate, signature: { algorithm: 'ed25519', publicKey, value: signature } }
}

/** The bytes that were signed, and whether the signature is theirs. Says nothing of whose key it is. */
export function verifyCertificate(signed: SignedCertificate): { statement: Uint8Array; valid: boolean } {
  const { signature, ...certificate } = signed
  const statement = canonicalBytes(certificate)
  try {
    const key = createPublicKey(signature.publicKey)
    const valid =
      key.asymmetricKeyType === 'ed25519' &&
      verify(null, statement, key, Buffer.from(signature.value, 'base64'))
    return { statement, valid }
  } catch {
    return { statement, valid: false }
  }
}

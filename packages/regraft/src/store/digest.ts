import { createHash } from 'node:crypto'
import { RegraftError } from '../errors/index.ts'

const KIND = /^[a-z][a-z0-9-]*$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * The digest of a record, `sha256:` and 64 hex digits.
 *
 * The hash runs over: the kind in ASCII, one zero byte, the schema version in decimal ASCII, one zero byte, the
 * canonical bytes. Kinds and decimals hold no zero byte, so no two records share a hashed string.
 */
export function digestOf(kind: string, schemaVersion: number, bytes: Uint8Array): string {
  if (!KIND.test(kind) || !Number.isSafeInteger(schemaVersion) || schemaVersion < 1) {
    throw new RegraftError('internal', `No digest for kind '${kind}', schema version ${schemaVersion}`)
  }
  const hash = createHash('sha256').update(`${kind}\0${schemaVersion}\0`).update(bytes)
  return `sha256:${hash.digest('hex')}`
}

/** The digest of raw bytes (a file), `sha256:` and 64 hex digits. */
export function digestOfBytes(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Whether the text has the form of a digest. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text)
}

import { hash } from 'node:crypto'
import { RegraftError } from '../errors/index.ts'
import { isDigest } from '../store/index.ts'

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/**
 * The Merkle root of a set of row digests, `sha256:` and 64 hex digits.
 *
 * The leaves are the raw 32 bytes of each digest, sorted, so that the order of the rows does not matter; equal
 * digests count as often as they occur. Source: RFC 6962 (2013), section 2.1.
 */
export function merkleRoot(digests: Iterable<string>): string {
  const leaves = Array.from(digests, (digest) => {
    if (!isDigest(digest)) throw new RegraftError('internal', `'${digest}' is not a digest`)
    return digest.slice('sha256:'.length)
  })
  leaves.sort()
  return `sha256:${treeHash(leaves.map((hex) => Buffer.from(hex, 'hex'))).toString('hex')}`
}

/**
 * The Merkle tree hash of leaves in the given order: a leaf hashes as SHA-256(0x00 ‖ leaf), a node as
 * SHA-256(0x01 ‖ left ‖ right), where the left half is the largest power of two below the number of leaves.
 * Without leaves it is the hash of nothing. Source: RFC 6962 (2013), section 2.1.
 */
export function treeHash(leaves: Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256()
  // Pairing level by level and carrying the odd one up gives the RFC's split at the largest power of two.
  let level = leaves.map((leaf) => sha256(LEAF, leaf))
  while (level.length > 1) {
    const next: Buffer[] = []
    for (let left = 0; left < level.length; left += 2) {
      const right = level[left + 1]
      next.push(right ? sha256(NODE, level[left]!, right) : level[left]!)
    }
    level = next
  }
  return level[0]!
}

function sha256(...parts: Uint8Array[]): Buffer {
  return hash('sha256', Buffer.concat(parts), 'buffer')
}

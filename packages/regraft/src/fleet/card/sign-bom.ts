import { createPublicKey } from 'node:crypto'
import { canonicalBytes } from '../../store/index.ts'
import type { ProjectStore } from '../../store/types.ts'

/**
 * Signs a bill of materials with the project's ed25519 key, in JSON Signature Format (JSF 0.82): the signature covers the canonical
 * JSON (RFC 8785) of the document with the signature object, its value left out.
 */
export async function signBom(
  { keys }: Pick<ProjectStore, 'keys'>,
  bom: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { publicKey } = await keys.sign(new Uint8Array(0))
  const { kty, crv, x } = createPublicKey(publicKey).export({ format: 'jwk' })
  const unsigned = { algorithm: 'Ed25519', publicKey: { kty, crv, x } }
  const { signature } = await keys.sign(canonicalBytes({ ...bom, signature: unsigned }))
  const value = Buffer.from(signature, 'base64').toString('base64url')
  return { ...bom, signature: { ...unsigned, value } }
}

import { hash } from 'node:crypto'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const RESPONSE_PREFIX = /^(?:chatcmpl-|cmpl-|resp_)/

/**
 * Makes the id of a row from what the row is: the same time and parts give the same id, so storing twice is harmless.
 *
 * UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 bits of the sha256 of the parts.
 */
export function rowId(time: Date, parts: (string | number | null)[]): string {
  const milliseconds = Math.max(0, Math.min(time.getTime(), 2 ** 48 - 1))
  const random = hash('sha256', JSON.stringify(parts))
  return formatUuid(milliseconds.toString(16).padStart(12, '0') + random.slice(0, 20), '7')
}

/**
 * Gives the inference id that a handle names, where a handle is what a product kept: our response id or anybody's.
 *
 * A UUID, alone or after `chatcmpl-`, is the id itself. Any other handle maps to a UUIDv8 (RFC 9562, 5.8) of its
 * sha256, so that feedback finds an inference that is imported later from another provider's log.
 */
export function inferenceIdOf(handle: string): string {
  const id = handle.replace(RESPONSE_PREFIX, '').toLowerCase()
  return UUID.test(id) ? id : formatUuid(hash('sha256', JSON.stringify(['inference', handle])), '8')
}

/** Lays out at least 32 hex digits as a UUID of a version, variant 10. */
function formatUuid(hex: string, version: string): string {
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    version + hex.slice(13, 16),
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}

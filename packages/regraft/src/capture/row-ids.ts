import { hash } from 'node:crypto'
import { formatUuid, isUuid } from '../store/index.ts'

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
  return isUuid(id) ? id : formatUuid(hash('sha256', JSON.stringify(['inference', handle])), '8')
}

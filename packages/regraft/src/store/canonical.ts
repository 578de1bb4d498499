import canonicalize from 'canonicalize'
import { type Expression, type RawBuilder, sql } from 'kysely'
import { RegraftError } from '../errors/index.ts'

/**
 * The canonical JSON text of a value (RFC 8785): sorted keys, shortest numbers, no spaces.
 * A NUL is legal there (it is written `\u0000`); a lone surrogate is not text in any encoding and is refused, as
 * are NaN and infinities. Members that are undefined are left out. Throws 'invalid-input' naming the place.
 */
export function canonicalText(value: unknown): string {
  let text: string | undefined
  try {
    text = canonicalize(value)
  } catch (cause) {
    const place = findLoneSurrogate(value, '$')
    if (place !== null) {
      throw new RegraftError('invalid-input', `${place} holds a lone surrogate, half of a character`, {
        hint: 'Cut text between characters, or apply toWellFormed() to it.',
        cause,
      })
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RegraftError('invalid-input', `The value has no JSON form: ${reason}`, { cause })
  }
  if (text === undefined)
    throw new RegraftError('invalid-input', 'The value has no JSON form: it is undefined')
  return text
}

/** The UTF-8 bytes of `canonicalText`. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalText(value))
}

/**
 * SQL that makes a `jsonb` index of canonical JSON text. `jsonb` cannot hold U+0000, so U+FFFD stands for it: the
 * bytes beside it stay exact, and a text with a NUL in it is stored rather than refused.
 */
export function indexOf(canonical: Expression<string>): RawBuilder<unknown> {
  return sql`replace(${canonical}, '\\u0000', '\\ufffd')::jsonb`
}

function findLoneSurrogate(value: unknown, place: string): string | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : place
  if (typeof value !== 'object' || value === null) return null
  for (const [key, member] of Object.entries(value)) {
    if (!key.isWellFormed()) return `A key of ${place}`
    const found = findLoneSurrogate(member, Array.isArray(value) ? `${place}[${key}]` : `${place}.${key}`)
    if (found !== null) return found
  }
  return null
}

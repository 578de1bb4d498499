import { foldSymbols } from './fold.ts'
import type { PiiSpan } from './span.ts'

const LOCAL = /[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~.-]/u
const DOMAIN =
  /^(?:[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+(?:xn--[a-z0-9-]{2,59}|[\p{L}\p{M}]{2,63})/iu
const LONGEST_LOCAL = 64
const LONGEST_DOMAIN = 255

/**
 * Finds e-mail addresses: a local part of RFC 5321 (also with letters of RFC 6531, or in quotes), and a domain name that ends
 * with letters. Addresses that somebody spells out ("ada at example dot org") are not found.
 */
export function detectEmails(text: string): PiiSpan[] {
  const folded = foldSymbols(text)
  const spans: PiiSpan[] = []
  for (let at = folded.indexOf('@'); at >= 0; at = folded.indexOf('@', at + 1)) {
    const [domain] = DOMAIN.exec(folded.slice(at + 1, at + 1 + LONGEST_DOMAIN)) ?? []
    const start = domain === undefined ? at : localStart(folded, at)
    if (domain === undefined || start === at) continue
    const end = at + 1 + domain.length
    const previous = spans.at(-1)
    if (previous && previous.end > start) continue
    spans.push({ kind: 'email', start, end, value: folded.slice(start, end).toLowerCase(), confidence: 0.99 })
  }
  return spans
}

/** Where the local part before an @ begins; the @ itself when there is none. */
function localStart(text: string, at: number): number {
  if (text[at - 1] === '"') {
    const quote = text.lastIndexOf('"', at - 2)
    return quote >= 0 && at - quote <= LONGEST_LOCAL && quote < at - 2 ? quote : at
  }
  let start = at
  while (start > 0 && at - start < LONGEST_LOCAL && LOCAL.test(text[start - 1]!)) start--
  // What begins with punctuation is the sentence around it: 'mail:', (ada@…, …ada@….
  while (start < at && /[^\p{L}\p{N}_]/u.test(text[start]!)) start++
  const local = text.slice(start, at)
  return local.endsWith('.') || local.includes('..') ? at : start
}

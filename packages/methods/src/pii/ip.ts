import { foldSymbols } from './fold.ts'
import { addSpans } from './merge.ts'
import type { PiiSpan } from './span.ts'

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const V4 = new RegExp(`(?<![\\p{L}\\p{N}_.-])${OCTET}(?:\\.${OCTET}){3}(?![\\p{L}\\p{N}_]|\\.\\d)`, 'gu')
const V4_WHOLE = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)
const V6 = /(?<![\p{L}\p{N}_:.])[0-9a-f:][0-9a-f:.]{1,44}/giu
/** Words before four dotted numbers that are no address. */
const VERSION_BEFORE = /(?:\bv(?:er(?:sion)?)?\.?|\brelease|\bbuild|\bfirmware|\bsection|\bchapter|§)\s*$/i
/** Addresses that name no single machine: private, loopback, link-local, documentation, unspecified (RFC 6890). */
const V4_SHARED =
  /^(?:0\.|10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|25[0-5]\.|2[23]\d\.)/
const V6_SHARED = /^(?:::1?$|f[cd]|fe[89ab]|ff|2001:db8:)/

/**
 * Finds IPv4 addresses (four dotted numbers up to 255, without leading zeros) and IPv6 addresses in the forms of RFC 4291.
 * Private and documentation addresses get less confidence; what a version word precedes is none.
 */
export function detectIps(text: string): PiiSpan[] {
  const folded = foldSymbols(text)
  const v4: PiiSpan[] = []
  const v6: PiiSpan[] = []
  for (const { 0: value, index: start } of folded.matchAll(V4)) {
    if (VERSION_BEFORE.test(folded.slice(Math.max(0, start - 12), start))) continue
    v4.push({
      kind: 'ip',
      start,
      end: start + value.length,
      value,
      confidence: V4_SHARED.test(value) ? 0.6 : 0.9,
    })
  }
  for (const { 0: found, index: start } of folded.matchAll(V6)) {
    const value = trimEnd(found).toLowerCase()
    const end = start + value.length
    if (/^[\p{L}\p{N}_]/u.test(folded.slice(end, end + 2)) || !isIpv6(value)) continue
    // 'ab::cd' is a name in a program; an address has a digit, or more groups.
    if (!/\d/.test(value) || value.replaceAll(':', '').length < 3) continue
    v6.push({ kind: 'ip', start, end, value, confidence: V6_SHARED.test(value) ? 0.6 : 0.95 })
  }
  // The end of an IPv6 address may look like one of version 4.
  return addSpans(v6, v4)
}

/** Without the punctuation of the sentence: one colon, dots. */
function trimEnd(found: string): string {
  const value = found.replace(/\.+$/, '')
  return /[^:]:$/.test(value) ? value.slice(0, -1) : value
}

/** Whether a text is an IPv6 address as RFC 4291, section 2.2 writes it. */
function isIpv6(value: string): boolean {
  const halves = value.split('::')
  if (halves.length > 2) return false
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')))
  const all = groups.flat()
  const last = all.at(-1)
  const dotted = last?.includes('.') ?? false
  if (dotted && !V4_WHOLE.test(last!)) return false
  const hex = dotted ? all.slice(0, -1) : all
  if (!hex.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return false
  const count = hex.length + (dotted ? 2 : 0)
  return halves.length === 2 ? count <= 7 : count === 8
}

import { digitGroups } from './digit-groups.ts'
import type { PiiSpan } from './span.ts'

/** Issuers by the first digits of a number, from low to high, with the lengths that their numbers have (ISO/IEC 7812). */
const ISSUERS: readonly (readonly [low: string, high: string, lengths: readonly number[]])[] = [
  ['4', '4', [13, 16, 19]],
  ['51', '55', [16]],
  ['2221', '2720', [16]],
  ['34', '34', [15]],
  ['37', '37', [15]],
  ['300', '305', [14, 16, 17, 18, 19]],
  ['3095', '3095', [14, 16, 17, 18, 19]],
  ['36', '36', [14, 15, 16, 17, 18, 19]],
  ['38', '39', [14, 16, 17, 18, 19]],
  ['3528', '3589', [16, 17, 18, 19]],
  ['6011', '6011', [16, 17, 18, 19]],
  ['644', '649', [16, 17, 18, 19]],
  ['65', '65', [16, 17, 18, 19]],
  ['62', '62', [16, 17, 18, 19]],
  ['81', '82', [16, 17, 18, 19]],
  ['60', '60', [16]],
  ['508', '508', [16]],
  ['353', '353', [16]],
  ['356', '356', [16]],
  ['2200', '2204', [16, 17, 18, 19]],
  ['9792', '9792', [16]],
  ...['5018', '5020', '5038', '5893', '6304', '6759', '6761', '6762', '6763'].map(
    (prefix) => [prefix, prefix, [12, 13, 14, 15, 16, 17, 18, 19]] as const,
  ),
]
const SHORTEST = 12
const LONGEST = 19

/**
 * Finds numbers of payment cards: 12 to 19 digits, whole or in groups with spaces, dots or dashes between them, that begin and
 * are as long as an issuer's and pass the Luhn check (ISO/IEC 7812-1, annex B). One in ten random numbers of that form
 * passes too.
 */
export function detectCards(text: string): PiiSpan[] {
  const spans: PiiSpan[] = []
  for (const { digits, start, end, groups } of digitGroups(text, SHORTEST, LONGEST)) {
    const previous = spans.at(-1)
    if (previous && previous.end > start) continue
    if (!isIssued(digits) || !passesLuhn(digits)) continue
    spans.push({ kind: 'card', start, end, value: digits, confidence: groups === 1 ? 0.9 : 0.97 })
  }
  return spans
}

function isIssued(digits: string): boolean {
  return ISSUERS.some(([low, high, lengths]) => {
    const prefix = digits.slice(0, low.length)
    return prefix >= low && prefix <= high && lengths.includes(digits.length)
  })
}

/** Whether the last digit is the check digit of the others: Luhn's sum is a multiple of ten. */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const weighted = index % 2 === 0 ? digit : digit * 2
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return sum % 10 === 0
}

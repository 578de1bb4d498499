import { foldSymbols } from './fold.ts'
import { addSpans } from './merge.ts'
import type { PiiSpan } from './span.ts'

/** Country codes that are assigned: ITU-T E.164, list of 2016 with its amendments. */
const COUNTRY =
  /^(?:1|20|21[1-368]|2[2-4]\d|25[0-8]|26\d|27|29[0179]|3[0-469]|35\d|37\d|38[0-9]|4[013-9]|42[013]|5[1-8]|50\d|59\d|6[0-6]|67\d|68\d|69[0-2]|7|8[1246]|80[08]|85[02356]|87[0-9]|88[0-368]|9[0-58]|96\d|97\d|99[2-68])/
/** Digits with at most two separators in a row, an area code perhaps in brackets. */
const INTERNATIONAL = /(?<![\p{L}\p{N}])(?:\+|\b00(?=[1-9]))[ ]?(?:\(?\d+\)?[ ./-]{0,2}){1,8}/gu
/** (212) 555-0123, 212-555-0123, 212.555.0123: the numbering plan of North America. */
const NORTH_AMERICAN =
  /(?<![\p{L}\p{N}+.-])(?:1[ .-])?(?:\([2-9]\d{2}\)[ ]?|[2-9]\d{2}([.-]))[2-9]\d{2}(?:\1|[ .-])\d{4}(?![\p{L}\p{N}]|[.-]\d)/gu
/** A trunk prefix 0, then groups: 030 1234567, 0171/234 56 78, (020) 7946 0958, 01 23 45 67 89. */
const TRUNK = /(?<![\p{L}\p{N}+.,-])\(?0[1-9]\d{0,4}\)?(?:[ ./-]{1,2}\d{2,8}){1,5}(?![\p{L}\p{N}]|[.,:-]\d)/gu
/** Digits of any form that words call a telephone number. */
const BARE = /(?<![\p{L}\p{N}+.,-])\d(?:[ .-]?\d){6,13}(?![\p{L}\p{N}]|[.,:-]\d)/gu
const SAYS_PHONE =
  /(?:\b(?:tele)?phone(?: number| no\.?)?|\bmobile(?: number| no\.?)?|\bcell(?: ?phone| number)?|\btel\.?(?:efon)?(?:nummer)?|\bfax|\bwhats ?app|\bhandy(?:nummer)?|\b(?:call|ring|text|sms|reach|phone)(?: me| us| him| her| them)?(?: back)?(?: on| at| under)?|\brufnummer|\bt[ée]l[ée](?:phone|fono)|\bn[úu]mero de t[ée]l\w*)[\s:=#-]*(?:is|ist|est|es|lautet|number|nr\.?|no\.?|on|at)?[\s:=#-]*$/iu
const SAYS_OTHER =
  /\b(?:ref(?:erence)?|order|invoice|ticket|case|sort code|customer|id|iban|(?:card|account) (?:number|no))(?: ?(?:number|code|no\.?|nr\.?|#))?[\s:=#-]*(?:is|ist)?[\s:=#-]*$/iu
const FEWEST = 7
const MOST = 15

/**
 * Finds telephone numbers, conservatively: international ones (+ or 00, an assigned country code, at most 15 digits: ITU-T
 * E.164), national ones in the usual groups (North America; a trunk prefix 0 of 9 to 12 digits), and other digits only where
 * the words before them say that it is one.
 */
export function detectPhones(text: string): PiiSpan[] {
  const folded = foldSymbols(text)
  const international = [...folded.matchAll(INTERNATIONAL)].flatMap((found) => {
    const plus = found[0].startsWith('+')
    const piece = withoutTail(found[0], plus ? MOST : MOST + 2)
    return spanOf(piece, found.index, plus ? 0.95 : 0.8, (digits) => {
      return isInternational(plus ? digits : digits.slice(2), plus ? 7 : 9)
    })
  })
  const northAmerican = [...folded.matchAll(NORTH_AMERICAN)].flatMap((found) => {
    return spanOf(found[0], found.index, 0.85, () => true)
  })
  const national = [...folded.matchAll(TRUNK)].flatMap((found) => {
    if (SAYS_OTHER.test(folded.slice(Math.max(0, found.index - 30), found.index))) return []
    return spanOf(found[0], found.index, 0.75, (digits) => {
      return digits.length >= 9 && digits.length <= 12 && !looksLikeDate(found[0])
    })
  })
  const bare = [...folded.matchAll(BARE)].flatMap((found) => {
    if (!SAYS_PHONE.test(folded.slice(Math.max(0, found.index - 40), found.index))) return []
    return spanOf(found[0], found.index, 0.7, (digits) => {
      return digits.length >= FEWEST && digits.length <= MOST && !looksLikeDate(found[0])
    })
  })
  return [northAmerican, national, bare].reduce(addSpans, international)
}

/** The span of a match without what follows its last digit or bracket; none when its digits are no number. */
function spanOf(
  found: string,
  start: number,
  confidence: number,
  isNumber: (digits: string) => boolean,
): PiiSpan[] {
  const piece = found.replace(/[^\d)]+$/, '')
  const value = piece.replace(/[^\d+]/g, '')
  if (!isNumber(value.replace('+', ''))) return []
  return [{ kind: 'phone', start, end: start + piece.length, value, confidence }]
}

/** Without the last groups of digits that make it too long, or a single digit after a space: the text goes on with a number. */
function withoutTail(piece: string, most: number): string {
  let kept = piece.trimEnd()
  while (kept.replace(/\D/g, '').length > most || /\s\d$/.test(kept)) {
    const shorter = kept.replace(/[ ./-]+\(?\d+\)?[ ./-]*$/, '')
    if (shorter === kept) break
    kept = shorter
  }
  return kept
}

function isInternational(digits: string, fewest: number): boolean {
  return digits.length >= fewest && digits.length <= MOST && COUNTRY.test(digits)
}

/** 2026-11-26, 01.02.2026, 26 11 2026. */
function looksLikeDate(piece: string): boolean {
  return /^(?:\d{4}[ ./-]\d{1,2}[ ./-]\d{1,2}|\d{1,2}[ ./-]\d{1,2}[ ./-]\d{4})\b/.test(piece)
}

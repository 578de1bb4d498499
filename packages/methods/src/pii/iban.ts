import { foldSymbols } from './fold.ts'
import type { PiiSpan } from './span.ts'

/** Characters of an IBAN by country: ISO 13616-1, as in SWIFT's IBAN registry. */
const LENGTHS: Record<string, number> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
)
const START = /(?<![\p{L}\p{N}])[a-z]{2}[ -]?\d\d/giu

/**
 * Finds international bank account numbers: a country of the registry, its length, and check digits that leave 1 modulo 97
 * (ISO 7064 MOD 97-10). Single spaces or dashes may stand between the characters.
 */
export function detectIbans(text: string): PiiSpan[] {
  const folded = foldSymbols(text)
  const spans: PiiSpan[] = []
  for (const { index: start } of folded.matchAll(START)) {
    const previous = spans.at(-1)
    if (previous && previous.end > start) continue
    const length = LENGTHS[folded.slice(start, start + 2).toUpperCase()]
    if (length === undefined) continue
    const read = readCharacters(folded, start, length)
    if (!read || remainder(read.value) !== 1) continue
    spans.push({ kind: 'iban', start, end: read.end, value: read.value, confidence: 0.99 })
  }
  return spans
}

/** So many letters and digits from a place, upper case; null when the text ends, or goes on as the same word. */
function readCharacters(text: string, start: number, length: number): { value: string; end: number } | null {
  let value = ''
  let at = start
  while (value.length < length) {
    const character = text[at]
    if (character === undefined) return null
    if (/[a-z0-9]/i.test(character)) value += character.toUpperCase()
    else if (!/[ -]/.test(character) || !/[a-z0-9]/i.test(text[at + 1] ?? '')) return null
    at++
  }
  return /^[\p{L}\p{N}]/u.test(text.slice(at, at + 2)) ? null : { value, end: at }
}

function remainder(iban: string): number {
  let rest = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const number = Number.parseInt(character, 36)
    rest = (rest * (number > 9 ? 100 : 10) + number) % 97
  }
  return rest
}

import type { PiiDetector, PiiKind, PiiSpan } from './span.ts'

/** The texts of one row, masked, and what was found in them. */
export interface MaskedTexts {
  texts: string[]
  /** Of each text, with offsets in the text as it was. */
  spans: PiiSpan[][]
}

const MASK = /\[(EMAIL|PHONE|CARD|IBAN|IP|NAME)_(\d{1,6})\]/g

/**
 * Replaces the personal data of texts that belong together by masks such as `[EMAIL_1]`, numbered by first appearance: the same
 * value has the same mask in all of them. Masks that a text holds already keep their numbers, and new ones count on from there.
 */
export function maskPii(texts: readonly string[], scan: PiiDetector): MaskedTexts {
  const spans = texts.map(scan)
  if (spans.every((found) => found.length === 0)) return { texts: [...texts], spans }
  const highest = new Map<string, number>()
  for (const text of texts) {
    for (const [, kind, number] of text.matchAll(MASK)) {
      highest.set(kind!, Math.max(highest.get(kind!) ?? 0, Number(number)))
    }
  }
  const masks = new Map<string, string>()
  const maskOf = ({ kind, value }: PiiSpan): string => {
    const key = `${kind} ${value}`
    const known = masks.get(key)
    if (known !== undefined) return known
    const label = kind.toUpperCase()
    const number = (highest.get(label) ?? 0) + 1
    highest.set(label, number)
    const mask = `[${label}_${number}]`
    masks.set(key, mask)
    return mask
  }
  return { texts: texts.map((text, index) => replaceSpans(text, spans[index]!, maskOf)), spans }
}

function replaceSpans(text: string, spans: readonly PiiSpan[], maskOf: (span: PiiSpan) => string): string {
  let masked = ''
  let from = 0
  for (const span of spans) {
    masked += text.slice(from, span.start) + maskOf(span)
    from = span.end
  }
  return masked + text.slice(from)
}

/** How many spans there are of each kind; kinds without any are absent. */
export function countPii(spans: Iterable<PiiSpan>): Partial<Record<PiiKind, number>> {
  const counts: Partial<Record<PiiKind, number>> = {}
  for (const { kind } of spans) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

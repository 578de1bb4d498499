/** What personal data can be. */
export type PiiKind = 'email' | 'phone' | 'card' | 'iban' | 'ip' | 'name'

/** A piece of a text that looks like personal data. */
export interface PiiSpan {
  kind: PiiKind
  /** UTF-16 offsets, half-open: `text.slice(start, end)` is the piece. */
  start: number
  end: number
  /** The piece without what may differ between two ways of writing it (case, spaces, dashes). */
  value: string
  /** From 0 to 1: how much speaks for it. No probability, only an order. */
  confidence: number
}

/** Finds one kind of personal data in a text; the spans of one detector do not overlap. */
export type PiiDetector = (text: string) => PiiSpan[]

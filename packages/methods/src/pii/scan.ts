import { detectCards } from './card.ts'
import { detectEmails } from './email.ts'
import { detectIbans } from './iban.ts'
import { detectIps } from './ip.ts'
import { addSpans } from './merge.ts'
import { nameDetector } from './name.ts'
import { detectPhones } from './phone.ts'
import type { PiiDetector, PiiKind, PiiSpan } from './span.ts'

/** Every detector that needs no list. Where two find the same piece, the one further up has it. */
export const PII_DETECTORS: readonly { kind: Exclude<PiiKind, 'name'>; detect: PiiDetector }[] = [
  { kind: 'email', detect: detectEmails },
  { kind: 'iban', detect: detectIbans },
  { kind: 'card', detect: detectCards },
  { kind: 'ip', detect: detectIps },
  { kind: 'phone', detect: detectPhones },
]

export interface PiiScanOptions {
  /** Names of people to look for, as they are written; none by default. */
  names?: Iterable<string>
  /** Spans of less confidence are left out. Default 0.5. */
  minConfidence?: number
}

/**
 * Makes a detector of all kinds of personal data at once: the spans are in order and do not overlap.
 *
 * @example
 * piiScanner({ names: ['Ada Lovelace'] })('Ada Lovelace: ada@example.org')
 * // [{ kind: 'name', start: 0, end: 12, … }, { kind: 'email', start: 14, end: 29, … }]
 */
export function piiScanner(options: PiiScanOptions = {}): PiiDetector {
  const { names = [], minConfidence = 0.5 } = options
  if (!(minConfidence >= 0 && minConfidence <= 1)) {
    throw new RangeError(`The least confidence must be from 0 to 1, got ${minConfidence}.`)
  }
  const detectors = [...PII_DETECTORS.map(({ detect }) => detect), nameDetector(names)]
  return (text) => {
    let kept: PiiSpan[] = []
    for (const detect of detectors) {
      const sure = detect(text).filter((span) => span.confidence >= minConfidence)
      kept = addSpans(kept, sure)
    }
    return kept
  }
}

export { countPii, type MaskedTexts, maskPii } from './mask.ts'
export { PII_DETECTORS, type PiiScanOptions, piiScanner } from './scan.ts'
export type { PiiDetector, PiiKind, PiiSpan } from './span.ts'

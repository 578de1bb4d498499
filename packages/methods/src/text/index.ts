export { type ByteMatch, ByteMatcher } from './byte-matcher.ts'
export { CharTfidf, type CharTfidfOptions, charNgrams, type SparseVector } from './char-tfidf.ts'
export { chrF } from './chrf.ts'
export { CosineIndex, type Neighbour, type UnitVectors } from './cosine-index.ts'
export { type Duplicate, DuplicateFinder } from './duplicate-finder.ts'
export {
  type ItemOverlap,
  ItemScreen,
  type ItemScreenOptions,
  type ScreenCoverage,
  type ScreenItem,
  type TextPart,
} from './item-screen.ts'
export { levenshtein, normalizedEditDistance } from './levenshtein.ts'
export { type Banding, candidateProbability, chooseBanding } from './min-hash.ts'
export {
  type NearDuplicate,
  NearDuplicateIndex,
  type NearDuplicateOptions,
  type SketchBatch,
  Sketcher,
} from './near-duplicate-index.ts'
export { normalizeText } from './normalize.ts'
export {
  OVERLAP_RUNGS,
  type Overlap,
  OverlapIndex,
  type OverlapOptions,
  type OverlapRung,
} from './overlap-index.ts'
export { findRefusal } from './refusal.ts'
export { rougeL } from './rouge-l.ts'
export { jaccard, type Shingled, shingler } from './shingles.ts'
export { sharedNgram, wordNgrams, words } from './words.ts'

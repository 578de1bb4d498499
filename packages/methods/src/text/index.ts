export { CharTfidf, type CharTfidfOptions, charNgrams, type SparseVector } from './char-tfidf.ts'
export { levenshtein, normalizedEditDistance } from './levenshtein.ts'
export {
  type NgramCoverage,
  NgramIndex,
  type NgramIndexOptions,
  type NgramMatch,
  type NgramRung,
} from './ngram-index.ts'
export { normalizeText } from './normalize.ts'
export { sharedNgram, wordNgrams, words } from './words.ts'

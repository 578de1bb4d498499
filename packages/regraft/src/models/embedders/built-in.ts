import { CharTfidf, normalizeText } from '@regraft/methods'
import { canonicalBytes, digestOf } from '../../store/index.ts'
import type { EmbedderSource } from './types.ts'

export const BUILT_IN = 'built-in'

/** Across words: at one similarity a quarter as many legitimate rows of banking77 resemble an item as with n-grams within. */
const FEATURES = { minimum: 2, maximum: 5, sublinear: true, acrossWords: true, countUnseen: true }

/**
 * Character n-grams of the normalised text, weighted by their rarity among the items (`CharTfidf`): needs no download, sees
 * shared spelling and no meaning. A paraphrase in other words is not near; docs/benchmarks.md has its recall.
 */
export const builtIn: EmbedderSource = {
  name: BUILT_IN,
  kind: 'built-in',
  digest: digestOf('embedder', 1, canonicalBytes({ kind: 'char-tfidf', normalized: true, ...FEATURES })),
  external: false,
  reportFrom: 0.8,
  async open({ items }) {
    const features = new CharTfidf(items.map(normalizeText), FEATURES)
    return {
      async embed(texts) {
        return {
          vectors: { kind: 'sparse', rows: texts.map((text) => features.transform(normalizeText(text))) },
          truncated: 0,
        }
      },
      async close() {},
    }
  },
}

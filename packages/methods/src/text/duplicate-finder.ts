import { KeyTable } from './key-table.ts'
import type { Banding } from './min-hash.ts'
import { NearDuplicateIndex, type NearDuplicateOptions, type SketchBatch } from './near-duplicate-index.ts'

/** Why a text is left out: the one that stands for it. */
export interface Duplicate {
  /** Number of the survivor, in the order of `next`. */
  of: number
  /** Jaccard similarity of the word bigrams; null when the normalised texts are equal. */
  similarity: number | null
}

/**
 * Decides for one text after another whether an earlier one stands for it.
 *
 * Texts come in the order of their rank, the one to keep first. A text is a duplicate when its normalised form was there
 * before, or when it is a near duplicate of a text that was kept; of several, the most similar one stands for it. So every
 * duplicate names a survivor that it was compared with, and a chain of small changes does not put unlike texts together.
 * Only survivors are indexed: a thousand copies of one text cost no more than a thousand different ones.
 */
export class DuplicateFinder {
  readonly #index: NearDuplicateIndex
  readonly #byKey = new KeyTable()
  /** Numbers of the survivors, by their position in the index. */
  readonly #survivors: number[] = []
  /** What was said of each text that was not kept. */
  readonly #duplicates = new Map<number, Duplicate>()
  #count = 0

  constructor(options: NearDuplicateOptions = {}) {
    this.#index = new NearDuplicateIndex(options)
  }

  /** The bands that propose pairs. */
  get banding(): Banding {
    return this.#index.banding
  }

  /**
   * Says what stands for text `index` of the batch, or null for a survivor. `agrees` may refuse a near duplicate by its
   * number, for what else tells the two apart.
   */
  next(
    batch: SketchBatch,
    index: number,
    agrees: (survivor: number) => boolean = () => true,
  ): Duplicate | null {
    const number = this.#count++
    const duplicate = this.#findEqual(batch.keys[index]!) ?? this.#findNear(batch, index, agrees)
    if (this.#byKey.get(batch.keys[index]!) === -1) this.#byKey.set(batch.keys[index]!, number)
    if (duplicate) this.#duplicates.set(number, duplicate)
    else this.#survivors[this.#index.add(batch, index)] = number
    return duplicate
  }

  #findEqual(key: number): Duplicate | null {
    const equal = this.#byKey.get(key)
    return equal === -1 ? null : (this.#duplicates.get(equal) ?? { of: equal, similarity: null })
  }

  #findNear(batch: SketchBatch, index: number, agrees: (survivor: number) => boolean): Duplicate | null {
    let best: Duplicate | null = null
    for (const { position, similarity } of this.#index.find(batch, index)) {
      const of = this.#survivors[position]!
      if (similarity > (best?.similarity ?? 0) && agrees(of)) best = { of, similarity }
    }
    return best
  }
}

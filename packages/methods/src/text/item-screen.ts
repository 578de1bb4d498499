import { type Overlap, OverlapIndex, type OverlapOptions, type OverlapRung } from './overlap-index.ts'
import { WordHasher } from './word-hashes.ts'

/** An item that must stay out of training: what is asked, and the answer that is expected, if any. */
export interface ScreenItem {
  id: string
  prompt: string
  answer: string | null
}

export interface ItemScreenOptions extends OverlapOptions {
  /** Words that an answer needs to be compared: a label such as "billing" is the answer of many rows. Default 8. */
  answerWords?: number
}

/** Which of two texts: the prompt or the answer. */
export type TextPart = 'prompt' | 'answer'

/** An item that a row overlaps. */
export interface ItemOverlap {
  id: string
  /** Which text of the row overlaps which text of the item. */
  row: TextPart
  item: TextPart
  rungs: OverlapRung[]
  /** The highest containment or similarity that a rung measured; null where the two only share an n-gram. */
  share: number | null
}

/** How many of the items a rung can find. */
export interface ScreenCoverage {
  rung: OverlapRung
  text: TextPart
  /** Words that an item's text needs for the rung. */
  words: number
  covered: number
  /** Items whose text is too short for the rung. */
  tooShort: number
  /** Answers that several items with different prompts share: labels and stock phrases, which are no evidence. */
  repeated: number
}

/**
 * Screens rows, prompt and answer, against the prompts and answers of items.
 *
 * Each text of the row is compared with each text of the items by the rungs of `OverlapIndex`. Answers take part, on both
 * sides, from `answerWords` words on, and an item's answer only if no item with another prompt has the same.
 */
export class ItemScreen {
  readonly #index: OverlapIndex
  readonly #texts: { id: string; part: TextPart }[] = []
  readonly #answerWords: number
  readonly #hasher = new WordHasher()
  readonly #left = { tooShort: 0, repeated: 0 }

  constructor(items: Iterable<ScreenItem>, options: ItemScreenOptions = {}) {
    const list = [...items]
    this.#answerWords = options.answerWords ?? 8
    const texts: string[] = []
    const take = (id: string, part: TextPart, text: string) => {
      this.#texts.push({ id, part })
      texts.push(text)
    }
    for (const { id, prompt } of list) take(id, 'prompt', prompt)
    const prompts = new Map<number, Set<number>>()
    for (const item of list) {
      if (item.answer === null) continue
      const key = this.#keyOf(item.answer)
      prompts.set(key, (prompts.get(key) ?? new Set()).add(this.#keyOf(item.prompt)))
    }
    for (const { id, answer } of list) {
      if (answer === null) continue
      const key = this.#keyOf(answer)
      if (this.#hasher.count < this.#answerWords) this.#left.tooShort++
      else if (prompts.get(key)!.size > 1) this.#left.repeated++
      else take(id, 'answer', answer)
    }
    this.#index = new OverlapIndex(texts, options)
  }

  /** Finds every item that a row overlaps: by its prompt first, then by its answer, in the order of the items. */
  match(row: { prompt: string; answer: string | null }): ItemOverlap[] {
    const found = this.#index.match(row.prompt).map((overlap) => this.#describe(overlap, 'prompt'))
    if (row.answer === null || row.answer.length < 2 * this.#answerWords - 1) return found
    this.#hasher.read(row.answer)
    if (this.#hasher.count < this.#answerWords) return found
    return [...found, ...this.#index.match(row.answer).map((overlap) => this.#describe(overlap, 'answer'))]
  }

  /** Says for each rung how many prompts and answers of the items it covers. */
  coverage(): ScreenCoverage[] {
    const { rungs } = this.#index.options
    return (['prompt', 'answer'] as const).flatMap((text) =>
      rungs.flatMap((rung) => {
        const least = text === 'answer' ? this.#answerWords : 1
        const words = Math.max(least, this.#index.wordsNeeded(rung))
        let { tooShort, repeated } = text === 'answer' ? this.#left : { tooShort: 0, repeated: 0 }
        let covered = 0
        for (const [position, { part }] of this.#texts.entries()) {
          if (part !== text) continue
          if (this.#index.wordsOf(position) >= words) covered++
          else tooShort++
        }
        return covered + tooShort + repeated === 0 ? [] : [{ rung, text, words, covered, tooShort, repeated }]
      }),
    )
  }

  #describe({ position, rungs, share }: Overlap, row: TextPart): ItemOverlap {
    const { id, part } = this.#texts[position]!
    return { id, row, item: part, rungs, share }
  }

  #keyOf(text: string): number {
    this.#hasher.read(text)
    return this.#hasher.key
  }
}

import type { Base, Tokenizer } from '../formats/types.ts'
import type { AnyExample } from './examples.ts'
import type { PartName } from './losses/types.ts'
import type { TrainingRecipe } from './recipe.ts'
import { prepareExamples } from './training-set.ts'

export interface PreviewedToken {
  id: number
  /** Empty for a token that only begins a character; the one that completes it has the whole. */
  text: string
  /** Whether the loss sees this token's probability. */
  learned: boolean
}

/** An example as the trainer sees it. */
export interface PreviewedExample {
  /** Which example, counted from 0. */
  index: number
  /** Longer than `maxLength`: training leaves it out. */
  dropped: boolean
  parts: { name: PartName; tokens: PreviewedToken[] }[]
}

/**
 * Shows which tokens of each example the loss learns from. A `mismatched` part (KTO) is scored, never learned.
 * It renders chat templates, so it belongs in a process that can be killed.
 */
export function previewExamples(
  base: Base,
  examples: readonly AnyExample[],
  recipe: Pick<TrainingRecipe, 'loss' | 'maxLength' | 'seed'>,
): PreviewedExample[] {
  const { items } = prepareExamples(base, examples, null, { ...recipe, maxLength: Infinity })
  return items.map(({ index, parts }) => ({
    index,
    dropped: parts.some(({ sequence }) => sequence.ids.length > recipe.maxLength),
    parts: parts.map(({ name, sequence: { ids, supervisedFrom } }) => {
      const texts = tokenTexts(base.tokenizer, ids)
      const tokens = ids.map((id, i) => {
        return { id, text: texts[i]!, learned: name !== 'mismatched' && i >= supervisedFrom }
      })
      return { name, tokens }
    }),
  }))
}

/** Texts of tokens that, put together, are the whole text with its special tokens. */
function tokenTexts(tokenizer: Tokenizer, ids: readonly number[]): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const texts = ids.map((id) => decoder.decode(tokenizer.tokenBytes(id), { stream: true }))
  const rest = decoder.decode()
  if (texts.length > 0) texts[texts.length - 1] += rest
  return texts
}

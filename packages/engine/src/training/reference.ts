// Reference log-probabilities are computed once, outside of the trainer: score `referenceItems` with the reference model
// (the base, or the base with an adapter, in the precision of the recipe) and write `referenceLines` beside the examples.
import { Random } from '@regraft/methods'
import { EngineError } from '../errors.ts'
import type { ChatMessage } from '../formats/types.ts'
import type { AnyExample, PreferenceExample, RatedExample } from './examples.ts'
import { LOSSES } from './losses/index.ts'
import type { LossName } from './recipe.ts'

/** A completion to be scored after its conversation. */
export interface ScoreItem {
  messages: ChatMessage[]
  completion: string
}

/** Summed log-probabilities of one example under the reference, in nats. */
export type ReferenceLine = { chosen: number; rejected: number } | { completion: number; mismatched: number }

/**
 * For each of n examples the one whose completion stands in as the mismatched one: a random cycle through all of them
 * (Sattolo 1986), so that none is its own and each serves once. Throws `invalid-input` for fewer than two.
 */
export function mismatchedPairing(count: number, seed: number): number[] {
  if (count < 2) {
    throw new EngineError('invalid-input', 'KTO needs at least two examples: their answers are exchanged', {
      hint: 'Add examples, or choose another loss',
    })
  }
  const random = new Random(seed, 'mismatched')
  const partners = Array.from({ length: count }, (_, i) => i)
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last)
    const moved = partners[last]!
    partners[last] = partners[other]!
    partners[other] = moved
  }
  return partners
}

/** The items that a reference must score for a loss, example by example; none where the loss needs no reference. */
export function referenceItems(loss: LossName, examples: readonly AnyExample[], seed: number): ScoreItem[] {
  if (!LOSSES[loss].needsReference) return []
  if (loss === 'dpo') {
    return (examples as readonly PreferenceExample[]).flatMap(({ messages, chosen, rejected }) => [
      { messages, completion: chosen },
      { messages, completion: rejected },
    ])
  }
  const rated = examples as readonly RatedExample[]
  const partners = mismatchedPairing(rated.length, seed)
  return rated.flatMap(({ messages, completion }, i) => [
    { messages, completion },
    { messages, completion: rated[partners[i]!]!.completion },
  ])
}

/** The lines of the reference file from the token log-probabilities of `referenceItems`, in its order. */
export function referenceLines(loss: LossName, scores: readonly (readonly number[])[]): ReferenceLine[] {
  const sums = scores.map((tokens) => tokens.reduce((sum, value) => sum + value, 0))
  const lines: ReferenceLine[] = []
  for (let i = 0; i + 1 < sums.length; i += 2) {
    const [first, second] = [sums[i]!, sums[i + 1]!]
    lines.push(
      loss === 'dpo' ? { chosen: first, rejected: second } : { completion: first, mismatched: second },
    )
  }
  return lines
}

// The loss and its gradient over the examples of one update, whatever the loss: every loss is a function of the summed
// log-probabilities of its sequences.
import type { Batch } from '../decoder/batch.ts'
import type { Learner } from './learner.ts'
import { evaluateLoss, LOSSES } from './losses/index.ts'
import type { LossValue, PartName, ScoredExample, ScoredPart } from './losses/types.ts'
import type { TrainingRecipe } from './recipe.ts'
import { layOutUpdate } from './row-layout.ts'
import type { TrainingItem } from './training-set.ts'

type Layout = Pick<TrainingRecipe, 'loss' | 'maxLength' | 'microBatchTokens'>

export interface Evaluation {
  loss: number
  metrics: Record<string, number>
}

/** Loss and metrics over the items; nothing is learned. */
export async function evaluateItems(
  learner: Learner,
  items: readonly TrainingItem[],
  recipe: Layout,
): Promise<Evaluation> {
  const sums = newSums(items)
  for (const batch of layOutItems(items, recipe)) addScores(sums, batch, await learner.score(batch))
  return evaluateLoss(recipe.loss, scoredExamples(items, sums))
}

/**
 * Adds the gradient of the loss over the items to the learner's parameters. A loss that is not linear in the
 * log-probabilities needs all of them before any gradient: with several micro-batches each is read twice.
 */
export async function accumulateItems(
  learner: Learner,
  items: readonly TrainingItem[],
  recipe: Layout,
): Promise<Evaluation> {
  const batches = layOutItems(items, recipe)
  const sums = newSums(items)
  const evaluate = () => evaluateLoss(recipe.loss, scoredExamples(items, sums))
  if (LOSSES[recipe.loss.name].isLinear) {
    const weights = sequenceWeights(items, evaluate())
    for (const batch of batches) {
      addScores(sums, batch, await learner.accumulate(batch, rowWeights(batch, weights)))
    }
    return evaluate()
  }
  if (batches.length === 1) {
    let value: LossValue | null = null
    await learner.accumulate(batches[0]!, (scores) => {
      addScores(sums, batches[0]!, scores)
      value = evaluate()
      return rowWeights(batches[0]!, sequenceWeights(items, value))
    })
    return value!
  }
  for (const batch of batches) addScores(sums, batch, await learner.score(batch))
  const value = evaluate()
  const weights = sequenceWeights(items, value)
  for (const batch of batches) {
    const ofRows = rowWeights(batch, weights)
    if (ofRows.some((weight) => weight !== 0)) await learner.accumulate(batch, ofRows)
  }
  return value
}

function layOutItems(items: readonly TrainingItem[], recipe: Layout): Batch[] {
  return layOutUpdate(
    items.flatMap(({ parts }) => parts.map(({ sequence }) => sequence)),
    recipe,
  )
}

/** One sum per sequence, in the order of items and parts. */
function newSums(items: readonly TrainingItem[]): Float64Array {
  return new Float64Array(items.reduce((count, { parts }) => count + parts.length, 0))
}

function addScores(sums: Float64Array, batch: Batch, scores: Float32Array): void {
  for (const [i, sequence] of batch.sequences.entries()) sums[sequence]! += scores[i]!
}

function scoredExamples(items: readonly TrainingItem[], sums: Float64Array): ScoredExample[] {
  let sequence = 0
  return items.map(({ parts, desirable }) => {
    const scored = parts.map(({ name, sequence: { ids, supervisedFrom }, reference }) => {
      const part: ScoredPart = {
        logProbability: sums[sequence++]!,
        tokens: ids.length - supervisedFrom,
        reference,
        divergence: null,
      }
      return [name, part] as const
    })
    return { parts: Object.fromEntries(scored) as Record<PartName, ScoredPart>, desirable }
  })
}

/** ∂loss/∂log p of each sequence's tokens, in the order of items and parts. */
function sequenceWeights(items: readonly TrainingItem[], value: LossValue): number[] {
  return items.flatMap(({ parts }, i) => parts.map(({ name }) => value.gradients[i]![name]))
}

function rowWeights(batch: Batch, weights: readonly number[]): Float32Array {
  return Float32Array.from(batch.sequences, (sequence) => weights[sequence]!)
}

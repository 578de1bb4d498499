// The loss and its gradient over the examples of one update, whatever the loss: every loss is a function of the summed
// log-probabilities of its sequences.
import type { Batch } from '../decoder/batch.ts'
import type { Dropout } from '../decoder/stack.ts'
import type { Learner, Teacher } from './learner.ts'
import { evaluateLoss, LOSSES } from './losses/index.ts'
import type { LossValue, PartName, ScoredExample, ScoredPart } from './losses/types.ts'
import type { TrainingRecipe } from './recipe.ts'
import { layOutUpdate } from './row-layout.ts'
import type { TrainingItem } from './training-set.ts'

type Layout = Pick<TrainingRecipe, 'loss' | 'microBatchTokens'> & { rowLength: number }

/** Validation rows are many and need no gradient: few at once take little memory and lose no time. */
const EVALUATED_TOKENS = 1024

export interface Evaluation {
  loss: number
  metrics: Record<string, number>
}

/** What a loss may need beside the model that learns. */
export interface Helpers {
  /** For `distill`. */
  teacher?: Teacher | null
  /** Masks for a batch of this update, where the recipe has dropout. */
  dropout?: ((batch: Batch) => Dropout) | null
}

/** Loss and metrics over the items; nothing is learned and nothing dropped. */
export async function evaluateItems(
  learner: Learner,
  items: readonly TrainingItem[],
  recipe: Layout,
  { teacher }: Helpers = {},
): Promise<Evaluation> {
  const sums = newSums(items)
  const microBatchTokens = Math.min(recipe.microBatchTokens, EVALUATED_TOKENS)
  for (const batch of layOutItems(items, { ...recipe, microBatchTokens })) {
    if (teacher) addDistilled(sums, batch, await learner.distill(batch, teacher))
    else addScores(sums, batch, await learner.score(batch))
  }
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
  { teacher, dropout }: Helpers = {},
): Promise<Evaluation> {
  const batches = layOutItems(items, recipe, isLearned)
  const sums = newSums(items)
  const evaluate = () => evaluateLoss(recipe.loss, scoredExamples(items, sums))
  const masksOf = (batch: Batch) => dropout?.(batch)
  if (LOSSES[recipe.loss.name].isLinear) {
    const value = evaluate()
    const weights = sequenceWeights(items, value)
    for (const batch of batches) {
      const ofRows = rowWeights(batch, weights)
      if (teacher) {
        const divergences = items.map(({ weight = 1 }) => value.divergenceGradient! * weight)
        const divergenceWeights = rowWeights(batch, divergences)
        const learned = { rowWeights: ofRows, divergenceWeights }
        addDistilled(sums, batch, await learner.distill(batch, teacher, learned, masksOf(batch)))
      } else addScores(sums, batch, await learner.accumulate(batch, ofRows, masksOf(batch)))
    }
    return evaluate()
  }
  for (const batch of layOutItems(items, recipe, (part) => !isLearned(part))) {
    addScores(sums, batch, await learner.score(batch, masksOf(batch)))
  }
  if (batches.length === 1) {
    const [batch] = batches as [Batch]
    let value: LossValue | null = null
    const weigh = (scores: Float32Array) => {
      addScores(sums, batch, scores)
      value = evaluate()
      return rowWeights(batch, sequenceWeights(items, value))
    }
    await learner.accumulate(batch, weigh, masksOf(batch))
    return value!
  }
  for (const batch of batches) addScores(sums, batch, await learner.score(batch, masksOf(batch)))
  const value = evaluate()
  const weights = sequenceWeights(items, value)
  for (const batch of batches) {
    const ofRows = rowWeights(batch, weights)
    if (ofRows.some((weight) => weight !== 0)) await learner.accumulate(batch, ofRows, masksOf(batch))
  }
  return value
}

/** Mismatched answers (KTO) are scored and never learned, so they go through the layers once and not backwards. */
function isLearned(part: PartName): boolean {
  return part !== 'mismatched'
}

function layOutItems(
  items: readonly TrainingItem[],
  recipe: Layout,
  wanted: (part: PartName) => boolean = () => true,
): Batch[] {
  const parts = items.flatMap((item) => item.parts)
  const places = [...parts.keys()].filter((place) => wanted(parts[place]!.name))
  return layOutUpdate(
    parts.map(({ sequence }) => sequence),
    recipe,
    places,
  )
}

/** Sums of each sequence, in the order of items and parts. */
interface Sums {
  logProbabilities: Float64Array
  divergences: Float64Array
}

function newSums(items: readonly TrainingItem[]): Sums {
  const sequences = items.reduce((count, { parts }) => count + parts.length, 0)
  return { logProbabilities: new Float64Array(sequences), divergences: new Float64Array(sequences) }
}

function addScores(sums: Sums, batch: Batch, scores: Float32Array): void {
  for (const [i, sequence] of batch.sequences.entries()) sums.logProbabilities[sequence]! += scores[i]!
}

function addDistilled(
  sums: Sums,
  batch: Batch,
  scores: { logProbabilities: Float32Array; divergences: Float32Array },
): void {
  addScores(sums, batch, scores.logProbabilities)
  for (const [i, sequence] of batch.sequences.entries()) sums.divergences[sequence]! += scores.divergences[i]!
}

function scoredExamples(items: readonly TrainingItem[], sums: Sums): ScoredExample[] {
  let sequence = 0
  return items.map(({ parts, desirable, weight, probability }) => {
    const scored = parts.map(({ name, sequence: { ids, supervisedFrom }, reference }) => {
      const part: ScoredPart = {
        logProbability: sums.logProbabilities[sequence]!,
        tokens: ids.length - supervisedFrom,
        reference,
        divergence: sums.divergences[sequence]!,
      }
      sequence++
      return [name, part] as const
    })
    return {
      parts: Object.fromEntries(scored) as Record<PartName, ScoredPart>,
      desirable,
      ...(weight === undefined ? {} : { weight }),
      ...(probability === undefined ? {} : { probability }),
    }
  })
}

/** ∂loss/∂log p of each sequence's tokens, in the order of items and parts. */
function sequenceWeights(items: readonly TrainingItem[], value: LossValue): number[] {
  return items.flatMap(({ parts }, i) => parts.map(({ name }) => value.gradients[i]![name]))
}

function rowWeights(batch: Batch, weights: readonly number[]): Float32Array {
  return Float32Array.from(batch.sequences, (sequence) => weights[sequence]!)
}

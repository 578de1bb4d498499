// Learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3): the rate
// rises exponentially from update to update, and the loss is watched. Suggested is the rate at which the smoothed loss
// falls steepest per decade of the rate, read before its lowest point; the rate of the lowest point itself is too high.
import { EngineError } from '../errors.ts'
import { adamW, clipGradients, initialAdamWState } from './adamw.ts'
import type { TrainingEvent } from './fine-tune.ts'
import { openSession, type SessionOptions, stopIfCancelled } from './training-session.ts'
import { countTokens, itemsOfUpdate } from './training-set.ts'
import { accumulateItems } from './update.ts'

export interface RangeOptions {
  /** First and last learning rate, the last above the first. */
  from: number
  to: number
  updates: number
}

export interface LearningRateRange {
  curve: {
    learningRate: number
    loss: number
    /** Mean of the losses so far, the newest counting most (decay 0.9, bias-corrected). */
    smoothed: number
    gradientNorm: number
  }[]
  /** A peak rate to train with; null where the loss fell nowhere. */
  suggestion: number | null
  /** Whether the test ended before its last rate because the loss left all bounds. */
  diverged: boolean
}

const DECAY = 0.9
/** The test ends when the smoothed loss is this many times its lowest value so far, as is common. */
const DIVERGENCE = 4

export interface FindLearningRateOptions extends SessionOptions {
  range: RangeOptions
  onEvent(event: TrainingEvent): void
}

/** Tries rising learning rates on the recipe's loss; the adapter it makes is thrown away. */
export async function findLearningRate(options: FindLearningRateOptions): Promise<LearningRateRange> {
  const { recipe, range, onEvent, signal } = options
  const { from, to, updates } = range
  if (!(from > 0 && to > from && updates >= 2)) {
    throw new EngineError(
      'invalid-input',
      `A range test from ${from} to ${to} in ${updates} updates is none: 0 < from < to, at least 2 updates`,
    )
  }
  const session = openSession({ ...options, validation: [], recipe: { ...recipe, earlyStopping: null } })
  const { train, learner, teacher } = session
  const layout = { ...recipe, rowLength: session.rowLength }
  try {
    const optimizer = initialAdamWState(learner.parameters)
    const curve: LearningRateRange['curve'] = []
    let average = 0
    let lowest = Infinity
    for (let update = 0; update < updates; update++) {
      stopIfCancelled(signal)
      const started = performance.now()
      const { epoch, chosen } = itemsOfUpdate(train.items, recipe, update)
      learner.clearGradients()
      const { loss, metrics } = await accumulateItems(learner, chosen, layout, {
        teacher,
        dropout: session.dropoutOf(update),
      })
      const gradientNorm = clipGradients(learner.parameters, recipe.maxGradientNorm)
      average = DECAY * average + (1 - DECAY) * loss
      const smoothed = average / (1 - DECAY ** (update + 1))
      lowest = Math.min(lowest, smoothed)
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm) || smoothed > DIVERGENCE * lowest) {
        return { curve, suggestion: suggestedRate(curve), diverged: true }
      }
      const rate = from * (to / from) ** (update / (updates - 1))
      adamW(learner.parameters, optimizer, rate, recipe)
      curve.push({ learningRate: rate, loss, smoothed, gradientNorm })
      const { tokens } = countTokens(chosen)
      const tokensPerSecond = tokens / ((performance.now() - started) / 1000)
      const figures = { loss, learningRate: rate, gradientNorm, tokens, tokensPerSecond, metrics }
      onEvent({ event: 'update', update: update + 1, updates, epoch: epoch + 1, ...figures })
    }
    return { curve, suggestion: suggestedRate(curve), diverged: false }
  } finally {
    await session.release()
  }
}

/** The rate of the steepest fall of the smoothed loss before its lowest point; null where it never falls. */
export function suggestedRate(curve: readonly { learningRate: number; smoothed: number }[]): number | null {
  const lowest = curve.reduce((best, { smoothed }, i) => (smoothed < curve[best]!.smoothed ? i : best), 0)
  let steepest = 0
  let suggestion: number | null = null
  for (let i = 1; i < lowest; i++) {
    const [before, after] = [curve[i - 1]!, curve[i + 1]!]
    const decades = Math.log10(after.learningRate / before.learningRate)
    const slope = (after.smoothed - before.smoothed) / decades
    if (slope < steepest) [steepest, suggestion] = [slope, curve[i]!.learningRate]
  }
  return suggestion
}

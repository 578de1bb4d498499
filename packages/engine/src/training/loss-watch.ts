// When a run is lost. A loss or gradient norm that is not finite stops it at once. Exploding means here that the smoothed
// loss lies above 4 times its highest value of the first 10 updates: a run that learns falls below where it began, and
// the smoothing (decay 0.9) lets single hard batches pass, which clipping absorbs.
import { EngineError } from '../errors.ts'

const DECAY = 0.9
const FIRST_UPDATES = 10
const FACTOR = 4

/** Follows the losses of a run. */
export class LossWatch {
  #average = 0
  #seen = 0
  #level = 0

  /** The mean of the losses so far, the newest counting most (bias-corrected as in Adam, Kingma & Ba 2015). */
  get smoothed(): number {
    return this.#average / (1 - DECAY ** this.#seen)
  }

  /** Whether the losses explode with this one. */
  explodes(loss: number): boolean {
    this.#seen++
    this.#average = DECAY * this.#average + (1 - DECAY) * loss
    if (this.#seen <= FIRST_UPDATES) {
      this.#level = Math.max(this.#level, this.smoothed)
      return false
    }
    return this.#level > 0 && this.smoothed > FACTOR * this.#level
  }
}

/** Throws `engine-failed` when an update must not be made; names it, its examples (from 0) and what helps. */
export function requireSound(
  watch: LossWatch,
  { loss, gradientNorm, update, examples }: UpdateFigures,
): void {
  const problem = !Number.isFinite(loss)
    ? `The loss became ${loss}`
    : !Number.isFinite(gradientNorm)
      ? `The gradient's norm became ${gradientNorm}`
      : watch.explodes(loss)
        ? `The loss explodes: ${loss.toPrecision(4)}, smoothed over ${FACTOR} times that of the first updates,`
        : null
  if (problem === null) return
  throw new EngineError(
    'engine-failed',
    `${problem} at update ${update}, on the examples ${listed(examples)} (counted from 0)`,
    {
      hint: "Lower the learning rate (the learning-rate range test suggests one) or the loss's weights, keep the frozen weights in f32, and look at these examples; nothing of this update was kept",
    },
  )
}

export interface UpdateFigures {
  loss: number
  gradientNorm: number
  update: number
  examples: readonly number[]
}

function listed(examples: readonly number[]): string {
  const shown = examples.slice(0, 16).join(', ')
  return examples.length > 16 ? `${shown} and ${examples.length - 16} more` : shown
}

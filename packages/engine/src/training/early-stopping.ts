// Early stopping on the validation loss (Prechelt 1998): the values of the best validation are what the run makes.
import type { Parameter } from './learner.ts'

/** Values of the parameters at the best validation so far. */
export interface Best {
  update: number
  loss: number
  values: Map<string, Float32Array>
}

/** The better of the best so far and the parameters as they are. */
export function betterOf(
  best: Best | null,
  update: number,
  loss: number,
  parameters: readonly Parameter[],
): Best {
  if (best && loss >= best.loss) return best
  return { update, loss, values: new Map(parameters.map(({ name, value }) => [name, value.slice()])) }
}

/** Whether the last `patience` validations brought no new best. */
export function isExhausted(validationLosses: readonly number[], patience: number): boolean {
  const before = validationLosses.slice(0, -patience)
  if (before.length === 0) return false
  return Math.min(...validationLosses.slice(-patience)) >= Math.min(...before)
}

import type { LossName, LossRecipe } from '../recipe.ts'
import { distill } from './distill.ts'
import { dpo } from './dpo.ts'
import { kto } from './kto.ts'
import { orpo } from './orpo.ts'
import { sft } from './sft.ts'
import { simpo } from './simpo.ts'
import type { LossValue, PartName, ScoredExample } from './types.ts'

/** What the trainer must know of a loss to feed it. */
export interface LossDefinition {
  /** The sequences of an example, in the order in which they are tokenised and referenced. */
  parts: readonly PartName[]
  /** Whether each part needs its summed log-probability under a reference. */
  needsReference: boolean
  /** Whether the gradients depend on token counts alone, so that one pass through the model is enough. */
  isLinear: boolean
}

export const LOSSES: Record<LossName, LossDefinition> = {
  sft: { parts: ['completion'], needsReference: false, isLinear: true },
  dpo: { parts: ['chosen', 'rejected'], needsReference: true, isLinear: false },
  kto: { parts: ['completion', 'mismatched'], needsReference: true, isLinear: false },
  orpo: { parts: ['chosen', 'rejected'], needsReference: false, isLinear: false },
  simpo: { parts: ['chosen', 'rejected'], needsReference: false, isLinear: false },
  distill: { parts: ['completion'], needsReference: false, isLinear: true },
}

/** Loss, gradients and metrics of a batch; `divergenceGradient` where there is a teacher. */
export function evaluateLoss(
  recipe: LossRecipe,
  examples: readonly ScoredExample[],
): LossValue & { divergenceGradient?: number } {
  if (recipe.name === 'sft') return widened(sft(examples))
  if (recipe.name === 'distill') return widened(distill(examples, recipe))
  if (recipe.name === 'kto') return widened(kto(examples, recipe))
  if (recipe.name === 'dpo') return widened(dpo(examples, recipe))
  if (recipe.name === 'orpo') return widened(orpo(examples, recipe))
  return widened(simpo(examples, recipe))
}

/** The parts that a loss has no use for have no gradient. */
function widened<Part extends PartName>(
  value: LossValue<Part> & { divergenceGradient?: number },
): LossValue & { divergenceGradient?: number } {
  const none = { completion: 0, chosen: 0, rejected: 0, mismatched: 0 }
  return { ...value, gradients: value.gradients.map((gradient) => ({ ...none, ...gradient })) }
}

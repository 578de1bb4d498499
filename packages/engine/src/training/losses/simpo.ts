// Simple preference optimization: Meng, Xia, Chen 2024, eq. 6; it needs no reference.
//   L = −log σ(β·(mean log p(y⁺) − mean log p(y⁻)) − γ), means per token
import type { LossRecipe } from '../recipe.ts'
import { logSigmoid, sigmoid } from './logistic.ts'
import { mean } from './mean.ts'
import { preferenceMetrics } from './preference-metrics.ts'
import type { LossValue, ScoredExample, ScoredPart } from './types.ts'

export type SimpoOptions = Omit<Extract<LossRecipe, { name: 'simpo' }>, 'name'>

/** Mean SimPO loss over the pairs. */
export function simpo(
  examples: readonly ScoredExample<'chosen' | 'rejected'>[],
  { beta, gamma }: SimpoOptions,
): LossValue<'chosen' | 'rejected'> {
  const rewards = examples.map(({ parts }) => {
    return { chosen: beta * perToken(parts.chosen), rejected: beta * perToken(parts.rejected) }
  })
  const margins = rewards.map(({ chosen, rejected }) => chosen - rejected - gamma)
  const gradients = examples.map(({ parts: { chosen, rejected } }, i) => {
    const slope = (-beta * sigmoid(-margins[i]!)) / examples.length
    return { chosen: slope / chosen.tokens, rejected: -slope / rejected.tokens }
  })
  return { loss: -mean(margins, logSigmoid), gradients, metrics: preferenceMetrics(rewards) }
}

function perToken({ logProbability, tokens }: ScoredPart): number {
  return logProbability / tokens
}

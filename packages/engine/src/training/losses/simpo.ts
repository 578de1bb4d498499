// Simple preference optimization: Meng, Xia, Chen 2024, eq. 6; it needs no reference.
//   L = −log σ(β·(mean log p(y⁺) − mean log p(y⁻)) − γ), means per token
// With the probability p of a pair: −p·log σ(Δ − γ) − (1 − p)·log σ(−Δ − γ); the pair's weight multiplies it.
import type { LossRecipe } from '../recipe.ts'
import { mean } from './mean.ts'
import { preferenceMetrics } from './preference-metrics.ts'
import { softRanking } from './soft-ranking.ts'
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
  const ranking = rewards.map(({ chosen, rejected }, i) =>
    softRanking(chosen - rejected - gamma, rejected - chosen - gamma, examples[i]!),
  )
  const gradients = examples.map(({ parts: { chosen, rejected } }, i) => {
    const slope = (beta * ranking[i]!.slope) / examples.length
    return { chosen: slope / chosen.tokens, rejected: -slope / rejected.tokens }
  })
  return { loss: mean(ranking, ({ value }) => value), gradients, metrics: preferenceMetrics(rewards) }
}

function perToken({ logProbability, tokens }: ScoredPart): number {
  return logProbability / tokens
}

// Direct preference optimization: Rafailov et al. 2023, with
//   Δ = [log π(y⁺) − log π_ref(y⁺)] − [log π(y⁻) − log π_ref(y⁻)]
//   sigmoid, ε = 0   −log σ(βΔ)
//   sigmoid, ε > 0   −(1 − ε)·log σ(βΔ) − ε·log σ(−βΔ)               cDPO (Mitchell 2023)
//   robust           [−(1 − ε)·log σ(βΔ) + ε·log σ(−βΔ)] / (1 − 2ε)   rDPO (Chowdhury et al. 2024)
//   hinge            max(0, 1 − βΔ)                                   SLiC (Zhao et al. 2023)
//   ipo              (Δ̄ − 1/(2β))², Δ̄ with ratios per token          IPO (Azar et al. 2023, eq. 17; per token as TRL does)
// Added to each of them where their weights are set:
//   sftWeight·L_sft over the tokens of the chosen answers              RPO (Pang et al. 2024)
//   dpopWeight·max(0, log π_ref(y⁺) − log π(y⁺)) inside the sigmoid    DPOP (Pal et al. 2024, Smaug)
// With the probability p of a pair ε is 1 − p for this pair; hinge and ipo mix p·ℓ(Δ) + (1 − p)·ℓ(−Δ) likewise. A pair's loss
// is multiplied by its weight, and its part of L_sft by p beside it.
// DPOP subtracts its penalty from Δ: −log σ(β(Δ − λ·max(0, …))), which keeps chosen answers from losing likelihood.
import type { LossRecipe } from '../recipe.ts'
import { logSigmoid, sigmoid } from './logistic.ts'
import { preferenceMetrics } from './preference-metrics.ts'
import { likelihoodWeight, weightOf } from './trust.ts'
import type { LossValue, ScoredExample, ScoredPart } from './types.ts'

export type DpoOptions = Omit<Extract<LossRecipe, { name: 'dpo' }>, 'name'>

/** Mean DPO loss over the pairs; parts need `reference`. */
export function dpo(
  examples: readonly ScoredExample<'chosen' | 'rejected'>[],
  options: DpoOptions,
): LossValue<'chosen' | 'rejected'> {
  const { beta, variant, sftWeight, dpopWeight } = options
  const pairs = examples.length
  const chosenTokens = examples.reduce((sum, { parts }) => sum + parts.chosen.tokens, 0)
  let loss = 0
  let likelihood = 0
  const gradients = examples.map((example) => {
    const { chosen, rejected } = example.parts
    const weight = weightOf(example)
    const perToken = variant === 'ipo'
    const chosenShare = perToken ? 1 / chosen.tokens : 1
    const rejectedShare = perToken ? 1 / rejected.tokens : 1
    const penalised = dpopWeight > 0 && logRatio(chosen) < 0
    const penalty = penalised ? -dpopWeight * logRatio(chosen) * chosenShare : 0
    const margin = logRatio(chosen) * chosenShare - logRatio(rejected) * rejectedShare - penalty
    const { value, slope } = pairLoss(margin, options, example.probability)
    loss += (value / pairs) * weight
    likelihood += chosen.logProbability * likelihoodWeight(example)
    return {
      chosen:
        ((slope * chosenShare * (penalised ? 1 + dpopWeight : 1)) / pairs) * weight -
        (sftWeight / chosenTokens) * likelihoodWeight(example),
      rejected: ((-slope * rejectedShare) / pairs) * weight,
    }
  })
  const sftLoss = -likelihood / chosenTokens
  const rewards = examples.map(({ parts }) => {
    return { chosen: beta * logRatio(parts.chosen), rejected: beta * logRatio(parts.rejected) }
  })
  return {
    loss: loss + sftWeight * sftLoss,
    gradients,
    metrics: { ...preferenceMetrics(rewards), chosenLoss: sftLoss },
  }
}

function logRatio({ logProbability, reference }: ScoredPart): number {
  return logProbability - reference!
}

/** Loss of one margin and its derivative. */
function pairLoss(
  margin: number,
  options: DpoOptions,
  probability: number | undefined,
): { value: number; slope: number } {
  const { variant, beta } = options
  if (variant === 'hinge' || variant === 'ipo') {
    const asSaid = plainLoss(margin, variant, beta)
    if (probability === undefined) return asSaid
    const reversed = plainLoss(-margin, variant, beta)
    return {
      value: probability * asSaid.value + (1 - probability) * reversed.value,
      slope: probability * asSaid.slope - (1 - probability) * reversed.slope,
    }
  }
  const labelSmoothing = probability === undefined ? options.labelSmoothing : 1 - probability
  const right = logSigmoid(beta * margin)
  const wrong = logSigmoid(-beta * margin)
  const doubt = sigmoid(-beta * margin)
  const flipped = variant === 'robust' ? -labelSmoothing : labelSmoothing
  const scale = variant === 'robust' ? 1 / (1 - 2 * labelSmoothing) : 1
  return {
    value: scale * (-(1 - labelSmoothing) * right - flipped * wrong),
    slope: scale * beta * (-(1 - labelSmoothing) * doubt + flipped * (1 - doubt)),
  }
}

function plainLoss(margin: number, variant: 'hinge' | 'ipo', beta: number): { value: number; slope: number } {
  if (variant === 'hinge') {
    const gap = 1 - beta * margin
    return gap > 0 ? { value: gap, slope: -beta } : { value: 0, slope: 0 }
  }
  const distance = margin - 1 / (2 * beta)
  return { value: distance ** 2, slope: 2 * distance }
}

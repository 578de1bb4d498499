// Kahneman–Tversky optimization: Ethayarajh et al. 2024, eq. 7, for answers that are only marked good or bad.
//   r = log π(y|x) − log π_ref(y|x)
//   z₀ = max(0, mean over the batch of log π(y'|x) − log π_ref(y'|x)), y' the answer to another prompt; no gradient
//   good answers  λ_D·(1 − σ(β(r − z₀)))       bad answers  λ_U·(1 − σ(β(z₀ − r)))
// With the probability p of a mark its loss is p times that of the mark and 1 − p times that of the other one; the weight of
// the example multiplies it. z₀ is not weighted.
// z₀ estimates the divergence of the policy from its reference, which is why y' must not be the answer to x.
import type { LossRecipe } from '../recipe.ts'
import { sigmoid } from './logistic.ts'
import { mean } from './mean.ts'
import { weightOf } from './trust.ts'
import type { LossValue, ScoredExample, ScoredPart } from './types.ts'

export type KtoOptions = Omit<Extract<LossRecipe, { name: 'kto' }>, 'name'>

/** Mean KTO loss over the examples; both parts need `reference`, and only the completion is learned. */
export function kto(
  examples: readonly ScoredExample<'completion' | 'mismatched'>[],
  options: KtoOptions,
): LossValue<'completion' | 'mismatched'> {
  const { beta, desirableWeight, undesirableWeight } = options
  const reference = Math.max(
    0,
    mean(examples, ({ parts }) => logRatio(parts.mismatched)),
  )
  let loss = 0
  const marked = (completion: ScoredPart, desirable: boolean) => {
    const sign = desirable ? 1 : -1
    const weight = desirable ? desirableWeight : undesirableWeight
    const value = sigmoid(sign * beta * (logRatio(completion) - reference))
    return { value: weight * (1 - value), slope: -weight * sign * beta * value * (1 - value) }
  }
  const gradients = examples.map((example) => {
    const { parts, desirable, probability = 1 } = example
    let { value, slope } = marked(parts.completion, desirable === true)
    if (probability !== 1) {
      const other = marked(parts.completion, desirable !== true)
      value = probability * value + (1 - probability) * other.value
      slope = probability * slope + (1 - probability) * other.slope
    }
    loss += (value / examples.length) * weightOf(example)
    return { completion: (slope / examples.length) * weightOf(example), mismatched: 0 }
  })
  return { loss, gradients, metrics: { kl: reference, ...rewards(examples, beta) } }
}

function logRatio({ logProbability, reference }: ScoredPart): number {
  return logProbability - reference!
}

/** Mean rewards of good and bad answers; a batch without one of them says nothing of it. */
function rewards(examples: readonly ScoredExample<'completion' | 'mismatched'>[], beta: number) {
  const of = (desirable: boolean) => examples.filter((example) => example.desirable === desirable)
  const reward = ({ parts }: ScoredExample<'completion'>) => beta * logRatio(parts.completion)
  const [good, bad] = [of(true), of(false)]
  return {
    ...(good.length > 0 ? { rewardChosen: mean(good, reward) } : {}),
    ...(bad.length > 0 ? { rewardRejected: mean(bad, reward) } : {}),
    ...(good.length > 0 && bad.length > 0 ? { rewardMargin: mean(good, reward) - mean(bad, reward) } : {}),
  }
}

// Distillation from a teacher's logits: Hinton, Vinyals, Dean 2015. Over the N learned tokens of the batch
//   L = α·L_sft + (1 − α)·(T²/N) Σ w·KL(softmax(t/T) ‖ softmax(s/T))
// with the logits s of the student and t of the teacher and the weight w of the example. T² keeps the size of the gradient as T changes. The divergence
// and its gradient T·(softmax(s/T) − softmax(t/T)) are computed where the logits are (decoder/head.ts).
import type { LossRecipe } from '../recipe.ts'
import { likelihoodWeight, weightOf } from './trust.ts'
import type { LossValue, ScoredExample } from './types.ts'

export type DistillOptions = Omit<Extract<LossRecipe, { name: 'distill' }>, 'name'>

export interface DistillValue extends LossValue<'completion'> {
  /** ∂loss/∂(T²·KL of one token) for an example of weight 1 */
  divergenceGradient: number
}

/** Mean over the tokens of the completions; parts need `divergence`. */
export function distill(
  examples: readonly ScoredExample<'completion'>[],
  { sftWeight }: DistillOptions,
): DistillValue {
  let tokens = 0
  let likelihood = 0
  let divergence = 0
  for (const example of examples) {
    const { completion } = example.parts
    tokens += completion.tokens
    likelihood += completion.logProbability * likelihoodWeight(example)
    divergence += completion.divergence! * weightOf(example)
  }
  const tokenLoss = -likelihood / tokens
  const kl = divergence / tokens
  return {
    loss: sftWeight * tokenLoss + (1 - sftWeight) * kl,
    gradients: examples.map((example) => ({
      completion: (-sftWeight / tokens) * likelihoodWeight(example),
    })),
    divergenceGradient: (1 - sftWeight) / tokens,
    metrics: { kl, tokenLoss },
  }
}

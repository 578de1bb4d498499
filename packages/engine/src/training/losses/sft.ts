// Negative log-likelihood per token, over all N learned tokens of the batch:
//   L = −(1/N) Σ w·p·log p(yₜ | x, y₍<t₎), weight w and probability p of the example
// On completions that people wrote or accepted it is supervised fine-tuning (Ouyang et al. 2022). On completions that a
// teacher wrote it is sequence-level distillation (Kim & Rush 2016): the same loss, so there is no separate one.
import { likelihoodWeight } from './trust.ts'
import type { LossValue, ScoredExample } from './types.ts'

/** Mean negative log-likelihood per token of the completions, in nats. */
export function sft(examples: readonly ScoredExample<'completion'>[]): LossValue<'completion'> {
  let tokens = 0
  let total = 0
  for (const example of examples) {
    const { completion } = example.parts
    tokens += completion.tokens
    total += completion.logProbability * likelihoodWeight(example)
  }
  return {
    loss: -total / tokens,
    gradients: examples.map((example) => ({ completion: (-1 / tokens) * likelihoodWeight(example) })),
    metrics: {},
  }
}

// Negative log-likelihood per token, over all N learned tokens of the batch:
//   L = −(1/N) Σ log p(yₜ | x, y₍<t₎)
// On completions that people wrote or accepted it is supervised fine-tuning (Ouyang et al. 2022). On completions that a
// teacher wrote it is sequence-level distillation (Kim & Rush 2016): the same loss, so there is no separate one.
import type { LossValue, ScoredExample } from './types.ts'

/** Mean negative log-likelihood per token of the completions, in nats. */
export function sft(examples: readonly ScoredExample<'completion'>[]): LossValue<'completion'> {
  let tokens = 0
  let total = 0
  for (const { parts } of examples) {
    tokens += parts.completion.tokens
    total += parts.completion.logProbability
  }
  return {
    loss: -total / tokens,
    gradients: examples.map(() => ({ completion: -1 / tokens })),
    metrics: {},
  }
}

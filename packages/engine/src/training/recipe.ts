import type { WeightPrecision } from '../decoder/matrix.ts'
import type { ScheduleName } from './schedule.ts'

/** Which loss is minimised, with all that it needs; formulas and papers are in `losses/`. */
export type LossRecipe =
  | { name: 'sft' }
  | {
      name: 'dpo'
      beta: number
      variant: 'sigmoid' | 'ipo' | 'hinge' | 'robust'
      /** Probability that a pair is the wrong way round; below 0.5. */
      labelSmoothing: number
      /** Weight of the negative log-likelihood of the chosen answers (RPO); 0 for none. */
      sftWeight: number
      /** Weight of the penalty on chosen answers that become less likely (DPOP); 0 for none. */
      dpopWeight: number
    }
  | { name: 'kto'; beta: number; desirableWeight: number; undesirableWeight: number }
  | { name: 'orpo'; beta: number }
  | { name: 'simpo'; beta: number; gamma: number }
  | {
      name: 'distill'
      temperature: number
      /** Share of the loss that is the negative log-likelihood of the tokens, in [0, 1]; the rest is the divergence. */
      sftWeight: number
    }

export type LossName = LossRecipe['name']

export interface LoraRecipe {
  rank: number
  alpha: number
  useRslora: boolean
  targetModules: string[]
  /** Ranks of single modules, by PEFT's rule: a regular expression that matches the last parts of a module's name. */
  rankPattern: Record<string, number>
  alphaPattern: Record<string, number>
  /** Share of each linear's input that its update does not see (Hu et al. 2021); 0 for none. */
  dropout: number
}

/** Everything that decides what a fine-tune becomes; fully resolved, no defaults left open. */
export interface TrainingRecipe {
  loss: LossRecipe
  lora: LoraRecipe
  seed: number
  epochs: number
  /** Examples per update; a preference pair is one example. */
  batchSize: number
  /**
   * Tokens, padding included, that go through the model at once: an update of more is done in parts whose gradients
   * are added up (at least one row at a time). It bounds memory; results depend on it in their last bits only.
   */
  microBatchTokens: number
  learningRate: number
  schedule: ScheduleName
  /** Share of the updates in which the learning rate rises. */
  warmupRatio: number
  weightDecay: number
  maxGradientNorm: number
  beta1: number
  beta2: number
  epsilon: number
  /** Most tokens of a sequence, prompt and answer; examples with a longer one are left out and reported. */
  maxLength: number
  /** How the frozen weights are kept in memory. */
  weightPrecision: WeightPrecision
  /** Stops after this many validations in a row without a new best, and keeps the best adapter; null for never. */
  earlyStopping: { patience: number } | null
  /** Threads of one operator. */
  threads: number
}

/** A recipe for tests: what they do not care about, in one place. */
import type { LoraRecipe, TrainingRecipe } from './recipe.ts'

export function picoRecipe(
  changes: Partial<Omit<TrainingRecipe, 'lora'>> & { lora?: Partial<LoraRecipe> } = {},
): TrainingRecipe {
  return {
    loss: { name: 'sft' },
    seed: 3,
    epochs: 3,
    batchSize: 4,
    microBatchTokens: 4096,
    learningRate: 0.02,
    schedule: 'cosine',
    warmupRatio: 0.1,
    weightDecay: 0.01,
    maxGradientNorm: 1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    maxLength: 64,
    weightPrecision: 'f32',
    earlyStopping: null,
    threads: 1,
    ...changes,
    lora: {
      rank: 4,
      alpha: 8,
      useRslora: false,
      targetModules: ['q_proj', 'v_proj', 'up_proj', 'down_proj'],
      rankPattern: {},
      alphaPattern: {},
      dropout: 0,
      ...changes.lora,
    },
  }
}

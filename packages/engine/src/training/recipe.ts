import type { ScheduleName } from './schedule.ts'

/** Everything that decides what a fine-tune becomes; fully resolved, no defaults left open. */
export interface TrainingRecipe {
  lora: { rank: number; alpha: number; useRslora: boolean; targetModules: string[] }
  seed: number
  epochs: number
  /** Examples per update. */
  batchSize: number
  learningRate: number
  schedule: ScheduleName
  /** Share of the updates in which the learning rate rises. */
  warmupRatio: number
  weightDecay: number
  maxGradientNorm: number
  beta1: number
  beta2: number
  epsilon: number
  /** Tokens per row into which examples are packed; longer examples are left out and reported. */
  maxLength: number
  /** Threads of one operator. */
  threads: number
}

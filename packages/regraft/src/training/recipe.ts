import { availableParallelism } from 'node:os'
import type { TrainingRecipe } from '@regraft/engine'
import { z } from 'zod'

const ALL_LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']

const PLAIN_LORA = { rankPattern: {}, alphaPattern: {}, dropout: 0 }
/** Tokens that go through the model at once; more are done in parts. */
const MICRO_BATCH_TOKENS = 4096

/** The options of `training run`: what a person may choose, each with the default that the recipe records. */
export const RecipeOptions = z.object({
  rank: z.int().min(1).max(512).default(16).describe('rank of the low-rank updates'),
  alpha: z
    .number()
    .positive()
    .optional()
    .describe('scale of the updates is alpha / rank; else twice the rank'),
  rslora: z.boolean().default(false).describe('scale by alpha / sqrt(rank) (Kalajdzievski 2023)'),
  epochs: z.int().min(1).max(1000).default(6).describe('passes over the training rows'),
  batchSize: z.int().min(1).max(4096).default(16).describe('examples per update'),
  learningRate: z.number().positive().max(1).default(1e-3).describe('peak learning rate'),
  schedule: z
    .enum(['constant', 'linear', 'cosine'])
    .default('cosine')
    .describe('course of the learning rate'),
  warmup: z.number().min(0).max(1).default(0.06).describe('share of the updates in which the rate rises'),
  weightDecay: z.number().min(0).default(0.01).describe('decoupled weight decay'),
  maxLength: z
    .int()
    .min(16)
    .max(8192)
    .default(128)
    .describe('tokens per row; longer examples are left out and named'),
  seed: z.int().default(1).describe('seed of initial weights and order'),
  threads: z.int().min(1).max(256).optional().describe('threads of the engine; else one per core'),
})

export const RECIPE_SCHEMA = 2

/** The content of a recipe artifact: fully resolved, and all that a trainer needs beside base and rows. */
export interface Recipe {
  method: 'lora'
  base: string
  snapshot: string
  training: TrainingRecipe
}

export function resolveRecipe(
  options: z.output<typeof RecipeOptions>,
  base: string,
  snapshot: string,
): Recipe {
  const { rank, alpha = 2 * rank, rslora, warmup, threads = availableParallelism(), ...rest } = options
  return {
    method: 'lora',
    base,
    snapshot,
    training: {
      loss: { name: 'sft' },
      lora: { rank, alpha, useRslora: rslora, targetModules: ALL_LINEARS, ...PLAIN_LORA },
      seed: rest.seed,
      epochs: rest.epochs,
      batchSize: rest.batchSize,
      microBatchTokens: MICRO_BATCH_TOKENS,
      learningRate: rest.learningRate,
      schedule: rest.schedule,
      warmupRatio: warmup,
      weightDecay: rest.weightDecay,
      maxGradientNorm: 1,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      maxLength: rest.maxLength,
      weightPrecision: 'f32',
      earlyStopping: null,
      threads,
    },
  }
}

/** A recipe as it is written today. Version 1 knew one loss and no micro-batches. */
export function upcastRecipe(stored: Recipe | RecipeV1): Recipe {
  if (stored.method === 'lora') return stored
  const { lora, ...training } = stored.training
  return {
    ...stored,
    method: 'lora',
    training: {
      loss: { name: 'sft' },
      microBatchTokens: Number.MAX_SAFE_INTEGER,
      weightPrecision: 'f32',
      earlyStopping: null,
      ...training,
      lora: { ...lora, ...PLAIN_LORA },
    },
  }
}

export interface RecipeV1 {
  method: 'lora-sft'
  base: string
  snapshot: string
  training: Omit<
    TrainingRecipe,
    'loss' | 'lora' | 'microBatchTokens' | 'weightPrecision' | 'earlyStopping'
  > & {
    lora: Pick<TrainingRecipe['lora'], 'rank' | 'alpha' | 'useRslora' | 'targetModules'>
  }
}

import { availableParallelism } from 'node:os'
import type { TrainingRecipe } from '@regraft/engine'
import { z } from 'zod'
import { defaultLearningRate, LossOptions, resolveLoss } from './loss-options.ts'

const ALL_LINEARS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']

const PLAIN_LORA = { rankPattern: {}, alphaPattern: {}, dropout: 0 }
/** Tokens that go through the model at once; more are done in parts. */
const MICRO_BATCH_TOKENS = 4096

/** The options of `training run`: what a person may choose, each with the default that the recipe records. */
export const RecipeOptions = z.object({
  ...LossOptions.shape,
  teacher: z
    .string()
    .optional()
    .describe(
      'distill: the model whose logits are learned: a base, a registered adapter, or the digest of an adapter',
    ),
  rank: z.int().min(1).max(512).default(16).describe('rank of the low-rank updates'),
  alpha: z
    .number()
    .positive()
    .optional()
    .describe('scale of the updates is alpha / rank; else twice the rank'),
  rslora: z.boolean().default(false).describe('scale by alpha / sqrt(rank) (Kalajdzievski 2023)'),
  rankPattern: z
    .record(z.string(), z.int().min(1).max(512))
    .optional()
    .describe('ranks of single modules, as q_proj=8,v_proj=32 or as JSON'),
  alphaPattern: z
    .record(z.string(), z.number().positive())
    .optional()
    .describe('alphas of single modules, as q_proj=16 or as JSON'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("share of each linear's input that its update does not see"),
  epochs: z.int().min(1).max(1000).default(6).describe('passes over the training rows'),
  batchSize: z.int().min(1).max(4096).default(16).describe('examples per update; a pair is one'),
  microBatch: z
    .int()
    .min(1)
    .default(MICRO_BATCH_TOKENS)
    .describe('tokens that go through the model at once; an update of more is done in parts'),
  learningRate: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('peak learning rate; else 0.001, with dpo, kto and simpo 0.0001'),
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
  weights: z
    .enum(['f32', 'f16', 'int8'])
    .default('f32')
    .describe('how the frozen weights are kept in memory'),
  earlyStopping: z
    .int()
    .min(1)
    .optional()
    .describe('stop after so many validations without a new best, and keep the best; else never'),
  seed: z.int().default(1).describe('seed of initial weights and order'),
  threads: z.int().min(1).max(256).optional().describe('threads of the engine; else one per core'),
})

export const RECIPE_SCHEMA = 2

/** Alias of the adapter that was trained last. */
export const LATEST_ADAPTER = 'trained/latest'

/** The content of a recipe artifact: fully resolved, and all that a trainer needs beside base and rows. */
export interface Recipe {
  method: 'lora'
  base: string
  snapshot: string
  /** Of the loss 'distill': artifacts of the base and, where there is one, of the adapter. */
  teacher?: TeacherReference
  training: TrainingRecipe
}

export interface TeacherReference {
  base: string
  adapter: string | null
}

/** Fills in every default. Throws 'invalid-input' for an option that the loss does not have. */
export function resolveRecipe(
  options: Omit<z.output<typeof RecipeOptions>, 'teacher'>,
  base: string,
  snapshot: string,
  teacher: TeacherReference | null = null,
): Recipe {
  const {
    loss,
    rank,
    alpha = 2 * rank,
    rslora,
    rankPattern = {},
    alphaPattern = {},
    dropout,
    ...rest
  } = options
  const { warmup, threads = availableParallelism(), earlyStopping } = rest
  const lossOptions = pickLossOptions(options)
  return {
    method: 'lora',
    base,
    snapshot,
    ...(teacher ? { teacher } : {}),
    training: {
      loss: resolveLoss(loss, lossOptions),
      lora: {
        rank,
        alpha,
        useRslora: rslora,
        targetModules: ALL_LINEARS,
        rankPattern,
        alphaPattern,
        dropout,
      },
      seed: rest.seed,
      epochs: rest.epochs,
      batchSize: rest.batchSize,
      microBatchTokens: rest.microBatch,
      learningRate: rest.learningRate ?? defaultLearningRate(loss),
      schedule: rest.schedule,
      warmupRatio: warmup,
      weightDecay: rest.weightDecay,
      maxGradientNorm: 1,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      maxLength: rest.maxLength,
      weightPrecision: rest.weights,
      earlyStopping: earlyStopping === undefined ? null : { patience: earlyStopping },
      threads,
    },
  }
}

function pickLossOptions(options: Omit<z.output<typeof RecipeOptions>, 'teacher'>) {
  const names = Object.keys(LossOptions.shape).filter((name) => name !== 'loss')
  const given = Object.entries(options).filter(([name]) => names.includes(name))
  return Object.fromEntries(given) as Omit<z.output<typeof LossOptions>, 'loss'>
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

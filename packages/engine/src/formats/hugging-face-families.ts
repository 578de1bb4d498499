import type { Architecture } from './types.ts'

/** What the configuration class of a family in transformers assumes where config.json is silent. */
export interface Family {
  architecture: Architecture
  /** `model_type` of a config.json that names no architectures. */
  modelType: string
  keyValueHeads: number | null
  /** Null for hidden_size / num_attention_heads. */
  headDim: number | null
  maxPositionEmbeddings: number
  ropeTheta: number
  tieWordEmbeddings: boolean
}

const COMMON = { keyValueHeads: null, headDim: null, ropeTheta: 10_000, tieWordEmbeddings: false }

/** By the name of the model's class. */
export const FAMILIES: Record<string, Family> = {
  LlamaForCausalLM: { ...COMMON, architecture: 'llama', modelType: 'llama', maxPositionEmbeddings: 2048 },
  MistralForCausalLM: {
    ...COMMON,
    architecture: 'mistral',
    modelType: 'mistral',
    keyValueHeads: 8,
    maxPositionEmbeddings: 131_072,
  },
  Qwen2ForCausalLM: {
    ...COMMON,
    architecture: 'qwen2',
    modelType: 'qwen2',
    keyValueHeads: 32,
    maxPositionEmbeddings: 32_768,
  },
  Qwen3ForCausalLM: {
    ...COMMON,
    architecture: 'qwen3',
    modelType: 'qwen3',
    keyValueHeads: 32,
    headDim: 128,
    maxPositionEmbeddings: 32_768,
  },
  SmolLM3ForCausalLM: {
    architecture: 'smollm3',
    modelType: 'smollm3',
    keyValueHeads: 4,
    headDim: null,
    maxPositionEmbeddings: 32_768,
    ropeTheta: 2_000_000,
    tieWordEmbeddings: true,
  },
  Gemma3ForCausalLM: {
    architecture: 'gemma3',
    modelType: 'gemma3_text',
    keyValueHeads: 4,
    headDim: 256,
    maxPositionEmbeddings: 131_072,
    ropeTheta: 1_000_000,
    tieWordEmbeddings: true,
  },
}

/** A base small enough for tests: two layers, 16 wide, its own byte-level tokenizer and chat template. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TokenizerJson } from '../tokenizer/tokenizer-json.ts'
import { trainBpe } from '../tokenizer/train-bpe.ts'
import { plainLlama, tensorShapes } from './decoder-config.ts'
import { type StoredFloat, type TensorToWrite, writeSafetensors } from './safetensors.ts'
import type { DecoderConfig } from './types.ts'

export const PICO_CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

const ROPE_THETA = 10_000

export const PICO_CONFIG = plainLlama({
  hiddenSize: 16,
  intermediateSize: 24,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 4,
  vocabSize: 272,
  maxPositionEmbeddings: 128,
  rmsNormEps: 1e-5,
  ropeTheta: ROPE_THETA,
  tieWordEmbeddings: true,
  bosTokenId: 1,
  eosTokenIds: [2],
})

export function picoTokenizerJson(): TokenizerJson {
  const texts = ['where is the card', 'the card that the other card is', 'is the error there']
  return trainBpe(texts, { vocabSize: 272, specialTokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] })
}

/** Weights that are small, different everywhere and the same on every machine. */
export function picoTensors(config: DecoderConfig, dtype: StoredFloat = 'F32'): TensorToWrite[] {
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  return [...tensorShapes(config)].map(([name, shape]) => {
    const isNorm = shape.length === 1
    const size = shape.reduce((product, length) => product * length, 1)
    const data = Float32Array.from({ length: size }, () => (isNorm ? 1 + 0.1 * next() : 0.3 * next()))
    return { name, shape, dtype, data }
  })
}

export interface PicoBaseOptions {
  dtype?: StoredFloat
  /** Splits the tensors over two files with an index. */
  sharded?: boolean
  /** Replaces or adds entries of config.json. */
  config?: Record<string, unknown>
  /** Replaces tensors by name; null leaves one out. */
  tensors?: Record<string, TensorToWrite | null>
  /** Further tensors. */
  extra?: TensorToWrite[]
}

/** Writes the base as a Hugging Face folder. */
export function writePicoBase(folder: string, options: PicoBaseOptions = {}): void {
  mkdirSync(folder, { recursive: true })
  const write = (name: string, value: unknown) =>
    writeFileSync(join(folder, name), JSON.stringify(value, null, 2))
  const { headDim, ...sizes } = PICO_CONFIG
  write('config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    num_hidden_layers: sizes.numHiddenLayers,
    num_attention_heads: sizes.numAttentionHeads,
    num_key_value_heads: sizes.numKeyValueHeads,
    head_dim: headDim,
    vocab_size: sizes.vocabSize,
    max_position_embeddings: sizes.maxPositionEmbeddings,
    rms_norm_eps: sizes.rmsNormEps,
    rope_theta: ROPE_THETA,
    rope_scaling: null,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: sizes.tieWordEmbeddings,
    bos_token_id: sizes.bosTokenId,
    eos_token_id: sizes.eosTokenIds[0],
    ...options.config,
  })
  write('generation_config.json', { eos_token_id: sizes.eosTokenIds })
  write('tokenizer.json', picoTokenizerJson())
  write('tokenizer_config.json', {
    bos_token: '<|im_start|>',
    eos_token: { content: '<|im_end|>', special: true },
    unk_token: '<|endoftext|>',
    pad_token: '<|im_end|>',
    chat_template: PICO_CHAT_TEMPLATE,
  })

  const tensors = picoTensors(PICO_CONFIG, options.dtype)
    .map(
      (tensor) => options.tensors?.[tensor.name] ?? (options.tensors?.[tensor.name] === null ? null : tensor),
    )
    .filter((tensor) => tensor !== null)
    .concat(options.extra ?? [])
  if (!options.sharded) {
    writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' })
    return
  }
  const shards = [tensors.slice(0, 9), tensors.slice(9)]
  const weightMap: Record<string, string> = {}
  for (const [index, shard] of shards.entries()) {
    const file = `model-0000${index + 1}-of-00002.safetensors`
    writeSafetensors(join(folder, file), shard, { format: 'pt' })
    for (const { name } of shard) weightMap[name] = file
  }
  write('model.safetensors.index.json', { metadata: {}, weight_map: weightMap })
}

import { EngineError } from '../errors.ts'
import { checkDecoderConfig, plainLlama } from './decoder-config.ts'
import type { GgufSource } from './gguf.ts'
import type { GgufValue } from './gguf-file.ts'
import type { DecoderConfig } from './types.ts'

/** Reads the configuration of a llama model off the metadata of a GGUF file; throws `incompatible` likewise. */
export function parseGgufConfig(source: GgufSource, path: string): DecoderConfig {
  const { metadata } = source
  const get = (key: string, fallback?: GgufValue) => metadata.get(`llama.${key}`) ?? fallback
  const id = (key: string) => metadata.get(`tokenizer.ggml.${key}_token_id`)

  const hiddenSize = get('embedding_length') as number
  const heads = get('attention.head_count') as number
  const headDim = get('attention.key_length', hiddenSize / heads) as number
  const allowed: Record<string, GgufValue[]> = {
    'attention.value_length': [headDim],
    'rope.dimension_count': [headDim],
    'rope.scaling.type': ['none'],
    'rope.scale_linear': [1],
    'attention.sliding_window': [0],
    expert_count: [0],
  }
  for (const [key, values] of Object.entries(allowed)) {
    const value = get(key)
    if (value === undefined || values.includes(value)) continue
    throw new EngineError('incompatible', `${path} has llama.${key} = ${String(value)}`, {
      hint: `Supported: ${values.join(', ')}`,
    })
  }
  const bos = id('bos')
  return checkDecoderConfig(
    plainLlama({
      hiddenSize,
      intermediateSize: get('feed_forward_length') as number,
      numHiddenLayers: get('block_count') as number,
      numAttentionHeads: heads,
      numKeyValueHeads: get('attention.head_count_kv', heads) as number,
      headDim,
      vocabSize: source.has('model.embed_tokens.weight') ? source.shape('model.embed_tokens.weight')[0]! : 0,
      maxPositionEmbeddings: get('context_length') as number,
      rmsNormEps: get('attention.layer_norm_rms_epsilon') as number,
      ropeTheta: get('rope.freq_base', 10_000) as number,
      tieWordEmbeddings: !source.has('lm_head.weight'),
      bosTokenId: typeof bos === 'number' ? bos : null,
      eosTokenIds: [...new Set([id('eos'), id('eot')])].filter((value) => typeof value === 'number'),
    }),
    path,
  )
}

import { EngineError } from '../errors.ts'
import { isJsonObject } from './canonical-json.ts'
import { attentionLayers, checkDecoderConfig, checkSizes, plainLlama } from './decoder-config.ts'
import { layerKinds } from './hugging-face-attention.ts'
import { FAMILIES, type Family } from './hugging-face-families.ts'
import type { DecoderConfig } from './types.ts'

type Json = Record<string, unknown>

/**
 * Reads config.json and generation_config.json of a model of the Llama family or its relatives, in the spelling of
 * transformers 4 or 5 and with the defaults of its configuration classes.
 *
 * Throws `incompatible` naming an architecture or option that the decoder does not have, `invalid-file` where sizes
 * contradict each other.
 */
export function parseHuggingFaceConfig(config: unknown, generation: unknown, path: string): DecoderConfig {
  if (!isJsonObject(config)) throw new EngineError('invalid-file', `config.json of ${path} is no JSON object`)
  const family = familyOf(config, path)
  refuseUnsupported(config, family, path)
  const hiddenSize = config.hidden_size as number
  const heads = config.num_attention_heads as number
  const headDim = (config.head_dim ?? family.headDim ?? hiddenSize / heads) as number
  const numHiddenLayers = config.num_hidden_layers as number
  const given = config.num_key_value_heads
  const eos = (isJsonObject(generation) ? generation.eos_token_id : undefined) ?? config.eos_token_id
  const sizes = {
    hiddenSize,
    intermediateSize: config.intermediate_size as number,
    numHiddenLayers,
    numAttentionHeads: heads,
    numKeyValueHeads: ((given === undefined ? family.keyValueHeads : given) ?? heads) as number,
    headDim,
    vocabSize: config.vocab_size as number,
    maxPositionEmbeddings: (config.max_position_embeddings ?? family.maxPositionEmbeddings) as number,
    rmsNormEps: (config.rms_norm_eps ?? 1e-6) as number,
    tieWordEmbeddings: (config.tie_word_embeddings ?? family.tieWordEmbeddings) === true,
    bosTokenId: typeof config.bos_token_id === 'number' ? config.bos_token_id : null,
    eosTokenIds: [eos].flat().filter((id) => typeof id === 'number'),
  }
  checkSizes(sizes, path)
  const plain = plainLlama({ ...sizes, ropeTheta: family.ropeTheta })
  const isGemma = family.architecture === 'gemma3'
  return checkDecoderConfig(
    {
      ...plain,
      architecture: family.architecture,
      ...attentionLayers(layerKinds(config, family, plain, path)),
      attentionBias: family.architecture === 'qwen2',
      queryKeyNorm: family.architecture === 'qwen3' || isGemma,
      ...(isGemma
        ? {
            activation: 'gelu_tanh',
            postNorms: true,
            embeddingScale: Math.fround(Math.sqrt(hiddenSize)),
            attentionScale: 1 / Math.sqrt((config.query_pre_attn_scalar ?? 256) as number),
          }
        : {}),
    },
    path,
  )
}

function familyOf(config: Json, path: string): Family {
  const supported = Object.keys(FAMILIES)
  const named = config.architectures
  const name =
    Array.isArray(named) && named.length > 0
      ? named.length === 1
        ? named[0]
        : named.join(', ')
      : supported.find((key) => FAMILIES[key]!.modelType === config.model_type)
  if (typeof name === 'string' && Object.hasOwn(FAMILIES, name)) return FAMILIES[name]!
  throw new EngineError(
    'incompatible',
    `${path} has the architecture ${String(name ?? config.model_type ?? 'none')}`,
    { hint: `Supported: ${supported.join(', ')}` },
  )
}

function refuseUnsupported(config: Json, family: Family, path: string): void {
  const refuse = (what: string, hint: string): never => {
    throw new EngineError('incompatible', `${path} has ${what}`, { hint })
  }
  const isGemma = family.architecture === 'gemma3'
  const needed = isGemma ? 'gelu_pytorch_tanh' : 'silu'
  const activation = (isGemma ? config.hidden_activation : config.hidden_act) ?? needed
  if (activation !== needed) refuse(`the activation ${String(activation)}`, `Supported: ${needed}`)
  // In these families attention_bias gives o_proj a bias too.
  for (const option of ['attention_bias', 'mlp_bias', 'rope_interleaved', 'use_bidirectional_attention']) {
    if (config[option]) refuse(`${option} set`, `Supported: ${option} false`)
  }
  for (const option of [
    'attn_logit_softcapping',
    'final_logit_softcapping',
    'num_experts',
    'num_local_experts',
  ]) {
    if (config[option]) refuse(`${option} = ${String(config[option])}`, `Supported: no ${option}`)
  }
  if (isJsonObject(config.quantization_config)) {
    const method = String(config.quantization_config.quant_method)
    refuse(`weights quantised by ${method}`, 'Supported: F32, F16 and BF16 safetensors, or a GGUF file')
  }
}

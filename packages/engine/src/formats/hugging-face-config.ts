import { EngineError } from '../errors.ts'
import { isJsonObject } from './canonical-json.ts'
import { checkDecoderConfig, plainLlama } from './decoder-config.ts'
import type { DecoderConfig } from './types.ts'

type Json = Record<string, unknown>

/**
 * Reads config.json and generation_config.json of a Llama model, with the defaults of transformers' LlamaConfig.
 *
 * Throws `incompatible` naming an architecture or option that the decoder does not have.
 */
export function parseHuggingFaceConfig(config: unknown, generation: unknown, path: string): DecoderConfig {
  if (!isJsonObject(config)) throw new EngineError('invalid-file', `config.json of ${path} is no JSON object`)
  refuseUnsupported(config, path)
  const hiddenSize = config.hidden_size as number
  const heads = config.num_attention_heads as number
  const eos = (isJsonObject(generation) ? generation.eos_token_id : undefined) ?? config.eos_token_id
  return checkDecoderConfig(
    plainLlama({
      hiddenSize,
      intermediateSize: config.intermediate_size as number,
      numHiddenLayers: config.num_hidden_layers as number,
      numAttentionHeads: heads,
      numKeyValueHeads: (config.num_key_value_heads ?? heads) as number,
      headDim: (config.head_dim ?? hiddenSize / heads) as number,
      vocabSize: config.vocab_size as number,
      maxPositionEmbeddings: (config.max_position_embeddings ?? 2048) as number,
      rmsNormEps: (config.rms_norm_eps ?? 1e-6) as number,
      ropeTheta: (config.rope_theta ?? ropeParameters(config).rope_theta ?? 10_000) as number,
      tieWordEmbeddings: config.tie_word_embeddings === true,
      bosTokenId: typeof config.bos_token_id === 'number' ? config.bos_token_id : null,
      eosTokenIds: [eos].flat().filter((id) => typeof id === 'number'),
    }),
    path,
  )
}

/** transformers 5 moved rope_theta and the scaling into rope_parameters. */
function ropeParameters(config: Json): Json {
  return isJsonObject(config.rope_parameters) ? config.rope_parameters : {}
}

function refuseUnsupported(config: Json, path: string): void {
  const refuse = (what: string, hint: string): never => {
    throw new EngineError('incompatible', `${path} has ${what}`, { hint })
  }
  const architectures = Array.isArray(config.architectures) ? config.architectures : [config.model_type]
  if (!architectures.every((name) => name === 'LlamaForCausalLM' || name === 'llama')) {
    refuse(`the architecture ${architectures.join(', ')}`, 'Supported: LlamaForCausalLM')
  }
  const activation = config.hidden_act ?? 'silu'
  if (activation !== 'silu') refuse(`the activation ${String(activation)}`, 'Supported: silu')
  for (const option of ['attention_bias', 'mlp_bias', 'rope_interleaved']) {
    if (config[option]) refuse(`${option} set`, `Supported: ${option} false`)
  }
  for (const scaling of [config.rope_scaling, config.rope_parameters]) {
    const type = isJsonObject(scaling) ? (scaling.rope_type ?? scaling.type ?? 'default') : 'default'
    if (type !== 'default') refuse(`rope scaling of type ${String(type)}`, 'Supported: no rope scaling')
  }
  if (isJsonObject(config.quantization_config)) {
    const method = String(config.quantization_config.quant_method)
    refuse(`weights quantised by ${method}`, 'Supported: F32, F16 and BF16 safetensors, or a GGUF file')
  }
}

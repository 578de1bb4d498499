import { EngineError } from '../errors.ts'
import type { DecoderConfig, TensorSource } from './types.ts'

type Traits =
  | 'architecture'
  | 'activation'
  | 'attentionBias'
  | 'queryKeyNorm'
  | 'postNorms'
  | 'embeddingScale'
  | 'attentionScale'
  | 'attentionKinds'
  | 'layerKinds'

/** A plain Llama (Touvron et al. 2023) of the given sizes; its relatives override what distinguishes them. */
export function plainLlama(sizes: Omit<DecoderConfig, Traits> & { ropeTheta: number }): DecoderConfig {
  const { ropeTheta, ...rest } = sizes
  return {
    ...rest,
    architecture: 'llama',
    activation: 'silu',
    attentionBias: false,
    queryKeyNorm: false,
    postNorms: false,
    embeddingScale: 1,
    attentionScale: 1 / Math.sqrt(rest.headDim),
    attentionKinds: [{ window: null, rope: { theta: ropeTheta, factors: null } }],
    layerKinds: new Array<number>(rest.numHiddenLayers).fill(0),
  }
}

/** Names and shapes of all tensors that a decoder of this configuration has. */
export function tensorShapes(config: DecoderConfig): Map<string, number[]> {
  const { hiddenSize: hidden, intermediateSize: intermediate, vocabSize } = config
  const queries = config.numAttentionHeads * config.headDim
  const keys = config.numKeyValueHeads * config.headDim
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [vocabSize, hidden]]])
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const prefix = `model.layers.${layer}`
    shapes.set(`${prefix}.input_layernorm.weight`, [hidden])
    shapes.set(`${prefix}.self_attn.q_proj.weight`, [queries, hidden])
    shapes.set(`${prefix}.self_attn.k_proj.weight`, [keys, hidden])
    shapes.set(`${prefix}.self_attn.v_proj.weight`, [keys, hidden])
    shapes.set(`${prefix}.self_attn.o_proj.weight`, [hidden, queries])
    if (config.attentionBias) {
      shapes.set(`${prefix}.self_attn.q_proj.bias`, [queries])
      shapes.set(`${prefix}.self_attn.k_proj.bias`, [keys])
      shapes.set(`${prefix}.self_attn.v_proj.bias`, [keys])
    }
    if (config.queryKeyNorm) {
      shapes.set(`${prefix}.self_attn.q_norm.weight`, [config.headDim])
      shapes.set(`${prefix}.self_attn.k_norm.weight`, [config.headDim])
    }
    shapes.set(`${prefix}.post_attention_layernorm.weight`, [hidden])
    if (config.postNorms) {
      shapes.set(`${prefix}.pre_feedforward_layernorm.weight`, [hidden])
      shapes.set(`${prefix}.post_feedforward_layernorm.weight`, [hidden])
    }
    shapes.set(`${prefix}.mlp.gate_proj.weight`, [intermediate, hidden])
    shapes.set(`${prefix}.mlp.up_proj.weight`, [intermediate, hidden])
    shapes.set(`${prefix}.mlp.down_proj.weight`, [hidden, intermediate])
  }
  shapes.set('model.norm.weight', [hidden])
  if (!config.tieWordEmbeddings) shapes.set('lm_head.weight', [vocabSize, hidden])
  return shapes
}

/** Throws `invalid-file` when the sizes contradict each other. */
export function checkDecoderConfig(config: DecoderConfig, path: string): DecoderConfig {
  const fail = (problem: string): never => {
    throw new EngineError('invalid-file', `The configuration of ${path} is invalid: ${problem}`)
  }
  const sizes = [
    'hiddenSize',
    'intermediateSize',
    'numHiddenLayers',
    'numAttentionHeads',
    'numKeyValueHeads',
  ] as const
  for (const name of [...sizes, 'headDim', 'vocabSize', 'maxPositionEmbeddings'] as const) {
    const size = config[name]
    if (!Number.isSafeInteger(size) || size <= 0) return fail(`${name} is ${String(size)}`)
  }
  if (config.numAttentionHeads % config.numKeyValueHeads !== 0) {
    return fail(`${config.numKeyValueHeads} key-value heads do not divide ${config.numAttentionHeads} heads`)
  }
  if (config.headDim % 2 !== 0) return fail(`headDim ${config.headDim} is odd`)
  if (!(config.rmsNormEps > 0)) return fail(`rmsNormEps is ${String(config.rmsNormEps)}`)
  for (const { rope, window } of config.attentionKinds) {
    if (rope && !(rope.theta > 0)) return fail(`ropeTheta is ${String(rope.theta)}`)
    if (rope?.factors && (rope.factors.length !== config.headDim / 2 || !rope.factors.every((f) => f > 0))) {
      return fail(`its rope scaling does not give ${config.headDim / 2} positive factors`)
    }
    if (window !== null && !(Number.isSafeInteger(window) && window > 0)) {
      return fail(`the sliding window is ${String(window)}`)
    }
  }
  return config
}

/**
 * Checks that every tensor a decoder needs is there, readable and of the right shape.
 *
 * Throws `incompatible` naming the first tensor at fault; tensors beyond those are ignored.
 */
export function checkTensors(
  tensors: TensorSource,
  config: DecoderConfig,
  readableTypes: readonly string[],
  path: string,
): void {
  for (const [name, shape] of tensorShapes(config)) {
    if (!tensors.has(name)) throw new EngineError('incompatible', `${path} has no tensor ${name}`)
    const actual = tensors.shape(name)
    if (actual.join() !== shape.join()) {
      throw new EngineError(
        'incompatible',
        `Tensor ${name} of ${path} has shape [${actual.join(', ')}], its configuration says [${shape.join(', ')}]`,
      )
    }
    if (!readableTypes.includes(tensors.dtype(name))) {
      throw new EngineError('incompatible', `Tensor ${name} of ${path} has type ${tensors.dtype(name)}`, {
        hint: `Supported types: ${readableTypes.join(', ')}`,
      })
    }
  }
}

/** Stored type of most values of the layers' linear weights. */
export function linearPrecision(tensors: TensorSource): string {
  const values = new Map<string, number>()
  for (const name of tensors.names()) {
    const shape = tensors.shape(name)
    if (!name.includes('_proj.') || shape.length !== 2) continue
    const dtype = tensors.dtype(name)
    values.set(dtype, (values.get(dtype) ?? 0) + shape[0]! * shape[1]!)
  }
  const [most] = [...values].sort(([, a], [, b]) => b - a)
  return most?.[0] ?? 'none'
}

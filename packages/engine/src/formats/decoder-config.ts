import { EngineError } from '../errors.ts'
import type { AttentionKind, DecoderConfig, TensorSource } from './types.ts'

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

/** The different ones among the kinds of all layers, and which of them each layer has. */
export function attentionLayers(
  layers: readonly AttentionKind[],
): Pick<DecoderConfig, 'attentionKinds' | 'layerKinds'> {
  const attentionKinds: AttentionKind[] = []
  const found = new Map<string, number>()
  const layerKinds = layers.map((kind) => {
    const key = JSON.stringify(kind)
    const known = found.get(key) ?? attentionKinds.push(kind) - 1
    found.set(key, known)
    return known
  })
  return { attentionKinds, layerKinds }
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

/** No model comes near these; what claims more is corrupt, and is refused before anything of that size is made. */
const MOST_LAYERS = 10_000
const LARGEST_HEAD = 65_536

function invalidConfig(path: string, problem: string): EngineError {
  return new EngineError('invalid-file', `The configuration of ${path} is invalid: ${problem}`)
}

/** Throws `invalid-file` when a size is no positive integer or the sizes contradict each other. */
export function checkSizes(config: Omit<DecoderConfig, Traits>, path: string): void {
  const sizes = [
    'hiddenSize',
    'intermediateSize',
    'numHiddenLayers',
    'numAttentionHeads',
    'numKeyValueHeads',
    'headDim',
    'vocabSize',
    'maxPositionEmbeddings',
  ] as const
  for (const name of sizes) {
    const size = config[name]
    const most = { numHiddenLayers: MOST_LAYERS, headDim: LARGEST_HEAD }[name as string]
    if (Number.isSafeInteger(size) && size > 0 && size <= (most ?? size)) continue
    throw invalidConfig(path, `${name} is ${String(size)}`)
  }
  const { numAttentionHeads: heads, numKeyValueHeads: keyValueHeads, headDim, rmsNormEps } = config
  if (heads % keyValueHeads !== 0) {
    throw invalidConfig(path, `${keyValueHeads} key-value heads do not divide ${heads} heads`)
  }
  if (headDim % 2 !== 0) throw invalidConfig(path, `headDim ${headDim} is odd`)
  if (!isPositive(rmsNormEps)) throw invalidConfig(path, `rmsNormEps is ${String(rmsNormEps)}`)
}

/** Like {@link checkSizes}, and checks what distinguishes the family: scales, windows and rotations. */
export function checkDecoderConfig(config: DecoderConfig, path: string): DecoderConfig {
  checkSizes(config, path)
  for (const name of ['attentionScale', 'embeddingScale'] as const) {
    if (!isPositive(config[name])) throw invalidConfig(path, `${name} is ${String(config[name])}`)
  }
  for (const { rope, window } of config.attentionKinds) {
    if (rope && !isPositive(rope.theta)) throw invalidConfig(path, `ropeTheta is ${String(rope.theta)}`)
    if (rope?.factors && (rope.factors.length !== config.headDim / 2 || !rope.factors.every(isPositive))) {
      throw invalidConfig(path, `its rope scaling does not give ${config.headDim / 2} positive factors`)
    }
    if (window !== null && !(Number.isSafeInteger(window) && window > 0)) {
      throw invalidConfig(path, `the sliding window is ${String(window)}`)
    }
  }
  return config
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value < Infinity
}

/**
 * Checks that every tensor a decoder needs is there, readable and of the right shape.
 *
 * Throws `incompatible` naming the first tensor at fault. A tensor of a layer that the decoder has no use for, for
 * example a bias, is refused too: without it the model would be another. What lies outside the layers is ignored.
 */
export function checkTensors(
  tensors: TensorSource,
  config: DecoderConfig,
  readableTypes: readonly string[],
  path: string,
): void {
  const shapes = tensorShapes(config)
  for (const name of tensors.names()) {
    // Old checkpoints hold the frequencies of the rotary embedding, which follow from the configuration.
    if (shapes.has(name) || !LAYER_TENSOR.test(name) || name.endsWith('.rotary_emb.inv_freq')) continue
    throw new EngineError('incompatible', `${path} has the tensor ${name}, which is no part of the model`, {
      hint: `Its architecture is read as ${config.architecture} with ${config.numHiddenLayers} layers.`,
    })
  }
  for (const [name, shape] of shapes) {
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

const LAYER_TENSOR = /^model\.layers\.\d+\./

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

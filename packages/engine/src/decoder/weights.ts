import { halfToFloat } from '../formats/half-precision.ts'
import type { Base, DecoderConfig } from '../formats/types.ts'
import { elements } from '../graph/graph.ts'
import {
  isLinearGroup,
  type LayerWeightName,
  LINEAR_GROUPS,
  type LinearGroup,
  layerWeightShapes,
  linearShapes,
} from './layer.ts'
import { type Matrix, matrixBytes, toPrecision, type WeightPrecision } from './matrix.ts'

/** A layer's weights: linears of one input are stacked (see LINEAR_GROUPS), norms and biases are 32-bit floats. */
export type LayerArrays = Record<LinearGroup, Matrix> &
  Record<'attentionNorm' | 'mlpNorm', Float32Array> &
  Partial<Record<Exclude<LayerWeightName, LinearGroup>, Float32Array>>

/** All weights of a decoder; linears and vocabulary in one precision. */
export interface DecoderWeights {
  precision: WeightPrecision
  /** [V, D] */
  embedding: Matrix
  layers: LayerArrays[]
  /** [D] */
  finalNorm: Float32Array
  /** [V, D]; the same as `embedding` when they are tied. */
  head: Matrix
}

const MODULE_OF_GROUP: Record<LinearGroup, 'self_attn' | 'mlp'> = {
  attentionInput: 'self_attn',
  attentionOutput: 'self_attn',
  mlpInput: 'mlp',
  mlpOutput: 'mlp',
}

/** Name of a linear's module, for example 'model.layers.0.self_attn.q_proj'. */
export function moduleName(layer: number, linear: string): string {
  const group = (Object.keys(LINEAR_GROUPS) as LinearGroup[]).find((key) =>
    (LINEAR_GROUPS[key] as readonly string[]).includes(linear),
  )
  return `model.layers.${layer}.${MODULE_OF_GROUP[group!]}.${linear}`
}

/** Names in a Hugging Face folder of a layer's tensors, those of a group in its order. */
export function tensorNames(config: DecoderConfig, layer: number, name: LayerWeightName): string[] {
  const prefix = `model.layers.${layer}`
  if (isLinearGroup(name)) return LINEAR_GROUPS[name].map((linear) => `${moduleName(layer, linear)}.weight`)
  if (name === 'attentionBias') {
    return LINEAR_GROUPS.attentionInput.map((linear) => `${moduleName(layer, linear)}.bias`)
  }
  return [`${prefix}.${normName(config, name)}.weight`]
}

function normName(config: DecoderConfig, name: LayerWeightName): string {
  if (name === 'queryNorm') return 'self_attn.q_norm'
  if (name === 'keyNorm') return 'self_attn.k_norm'
  if (name === 'attentionNorm') return 'input_layernorm'
  // Without norms after attention and MLP, Llama calls the MLP's norm the one after attention.
  if (name === 'mlpNorm') return config.postNorms ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'
  return name === 'attentionPostNorm' ? 'post_attention_layernorm' : 'post_feedforward_layernorm'
}

/** Reads all weights of a base, keeping linears and vocabulary in the given precision. */
export function readWeights(base: Base, precision: WeightPrecision = 'f32'): DecoderWeights {
  const { config, tensors } = base
  const shapes = layerWeightShapes(config)
  const layers = Array.from({ length: config.numHiddenLayers }, (_, layer) => {
    const arrays = [...shapes].map(([name, shape]) => {
      const whole = concatenate(tensorNames(config, layer, name).map((tensor) => tensors.read(tensor)))
      return [name, isLinearGroup(name) ? toPrecision(whole, shape[0]!, precision) : whole] as const
    })
    return Object.fromEntries(arrays) as LayerArrays
  })
  const vocabulary = (name: string) => toPrecision(tensors.read(name), config.vocabSize, precision)
  const embedding = vocabulary('model.embed_tokens.weight')
  return {
    precision,
    embedding,
    layers,
    finalNorm: tensors.read('model.norm.weight'),
    head: config.tieWordEmbeddings ? embedding : vocabulary('lm_head.weight'),
  }
}

/** Bytes that the weights take in memory. */
export function weightBytes({ embedding, head, layers, finalNorm }: DecoderWeights): number {
  const vocabulary = matrixBytes(embedding) + (head === embedding ? 0 : matrixBytes(head))
  const perLayer = layers.flatMap((arrays) => Object.values(arrays) as Matrix[]).map(matrixBytes)
  return perLayer.reduce((sum, bytes) => sum + bytes, vocabulary + finalNorm.byteLength)
}

/** Row `row` of a matrix with `width` columns, times `scale`, written to `target` at `offset`. */
export function copyRow(
  matrix: Matrix,
  row: number,
  width: number,
  scale: number,
  target: Float32Array,
  offset: number,
): void {
  const start = row * width
  if (matrix instanceof Float32Array) {
    if (scale === 1) target.set(matrix.subarray(start, start + width), offset)
    else for (let i = 0; i < width; i++) target[offset + i] = matrix[start + i]! * scale
  } else if (matrix instanceof Uint16Array) {
    for (let i = 0; i < width; i++) target[offset + i] = halfToFloat(matrix[start + i]!) * scale
  } else {
    const whole = matrix.scales[row]! * scale
    for (let i = 0; i < width; i++) target[offset + i] = matrix.values[start + i]! * whole
  }
}

/** The 32-bit floats of a matrix that is kept as such; pre-training learns no others. */
export function floatsOf(matrix: Matrix): Float32Array {
  if (matrix instanceof Float32Array) return matrix
  throw new Error('only weights of 32-bit floats are learned or written out')
}

/** Names and shapes as in a Hugging Face folder; stacked linears are taken apart again. */
export function namedTensors(
  config: DecoderConfig,
  weights: DecoderWeights,
): { name: string; shape: number[]; data: Float32Array }[] {
  const shapes = linearShapes(config)
  const vocabulary = (name: string, matrix: Matrix) => {
    return { name, shape: [config.vocabSize, config.hiddenSize], data: floatsOf(matrix) }
  }
  const tensors = [vocabulary('model.embed_tokens.weight', weights.embedding)]
  for (const [layer, arrays] of weights.layers.entries()) {
    for (const [name, data] of Object.entries(arrays) as [LayerWeightName, Matrix][]) {
      const names = tensorNames(config, layer, name)
      if (names.length === 1 && !isLinearGroup(name)) {
        tensors.push({ name: names[0]!, shape: [floatsOf(data).length], data: floatsOf(data) })
        continue
      }
      const members = LINEAR_GROUPS[isLinearGroup(name) ? name : 'attentionInput']
      let row = 0
      for (const [i, member] of members.entries()) {
        const { inFeatures, outFeatures } = shapes[member]
        const width = isLinearGroup(name) ? inFeatures : 1
        const part = floatsOf(data).subarray(row * width, (row + outFeatures) * width)
        const shape = isLinearGroup(name) ? [outFeatures, inFeatures] : [outFeatures]
        tensors.push({ name: names[i]!, shape, data: part })
        row += outFeatures
      }
    }
  }
  tensors.push({ name: 'model.norm.weight', shape: [config.hiddenSize], data: weights.finalNorm })
  if (!config.tieWordEmbeddings) tensors.push(vocabulary('lm_head.weight', weights.head))
  return tensors
}

/** Weights for training from nothing: normal(0, 0.02), residual outputs scaled by 1/√(2L) (GPT-2, Radford et al. 2019). */
export function initialWeights(config: DecoderConfig, normal: () => number): DecoderWeights {
  const fill = (size: number, deviation: number) => {
    const data = new Float32Array(size)
    for (let i = 0; i < size; i++) data[i] = normal() * deviation
    return data
  }
  const residual = 0.02 / Math.sqrt(2 * config.numHiddenLayers)
  const initial = (name: LayerWeightName, size: number) => {
    if (name.endsWith('Norm')) return new Float32Array(size).fill(1)
    if (name === 'attentionBias') return new Float32Array(size)
    return fill(size, name.endsWith('Output') ? residual : 0.02)
  }
  const shapes = [...layerWeightShapes(config)]
  const vocabulary = config.vocabSize * config.hiddenSize
  const embedding = fill(vocabulary, 0.02)
  return {
    precision: 'f32',
    embedding,
    layers: Array.from({ length: config.numHiddenLayers }, () => {
      const arrays = shapes.map(([name, shape]) => [name, initial(name, elements(shape))] as const)
      return Object.fromEntries(arrays) as unknown as LayerArrays
    }),
    finalNorm: new Float32Array(config.hiddenSize).fill(1),
    head: config.tieWordEmbeddings ? embedding : fill(vocabulary, 0.02),
  }
}

/** One array after another; a single one is not copied. */
export function concatenate(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

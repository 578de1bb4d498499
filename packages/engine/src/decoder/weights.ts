import type { Base, DecoderConfig } from '../formats/types.ts'
import {
  type LayerWeights,
  LINEAR_GROUPS,
  type LinearGroup,
  layerWeightShapes,
  linearShapes,
} from './layer.ts'

export type LayerArrays = Record<keyof LayerWeights, Float32Array>

/** All weights of a decoder in 32-bit floats; linears of one input are stacked (see LINEAR_GROUPS). */
export interface DecoderWeights {
  /** [V, D] */
  embedding: Float32Array
  layers: LayerArrays[]
  /** [D] */
  finalNorm: Float32Array
  /** [V, D]; the same array as `embedding` when they are tied. */
  head: Float32Array
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

/** Reads all weights of a base. */
export function readWeights(base: Base): DecoderWeights {
  const { config, tensors } = base
  const embedding = tensors.read('model.embed_tokens.weight')
  const layers = Array.from({ length: config.numHiddenLayers }, (_, layer): LayerArrays => {
    const stack = (group: LinearGroup) =>
      concatenate(LINEAR_GROUPS[group].map((name) => tensors.read(`${moduleName(layer, name)}.weight`)))
    return {
      attentionNorm: tensors.read(`model.layers.${layer}.input_layernorm.weight`),
      attentionInput: stack('attentionInput'),
      attentionOutput: stack('attentionOutput'),
      mlpNorm: tensors.read(`model.layers.${layer}.post_attention_layernorm.weight`),
      mlpInput: stack('mlpInput'),
      mlpOutput: stack('mlpOutput'),
    }
  })
  return {
    embedding,
    layers,
    finalNorm: tensors.read('model.norm.weight'),
    head: config.tieWordEmbeddings ? embedding : tensors.read('lm_head.weight'),
  }
}

/** Names and shapes as in a Hugging Face folder; stacked linears are taken apart again. */
export function namedTensors(
  config: DecoderConfig,
  weights: DecoderWeights,
): { name: string; shape: number[]; data: Float32Array }[] {
  const shapes = linearShapes(config)
  const embeddingShape = [config.vocabSize, config.hiddenSize]
  const norm = (name: string, data: Float32Array) => ({ name, shape: [config.hiddenSize], data })
  const tensors = [{ name: 'model.embed_tokens.weight', shape: embeddingShape, data: weights.embedding }]
  for (const [layer, arrays] of weights.layers.entries()) {
    tensors.push(norm(`model.layers.${layer}.input_layernorm.weight`, arrays.attentionNorm))
    tensors.push(norm(`model.layers.${layer}.post_attention_layernorm.weight`, arrays.mlpNorm))
    for (const [group, names] of Object.entries(LINEAR_GROUPS)) {
      let row = 0
      for (const name of names) {
        const { inFeatures, outFeatures } = shapes[name]
        const data = arrays[group as LinearGroup].subarray(row * inFeatures, (row + outFeatures) * inFeatures)
        tensors.push({ name: `${moduleName(layer, name)}.weight`, shape: [outFeatures, inFeatures], data })
        row += outFeatures
      }
    }
  }
  tensors.push(norm('model.norm.weight', weights.finalNorm))
  if (!config.tieWordEmbeddings)
    tensors.push({ name: 'lm_head.weight', shape: embeddingShape, data: weights.head })
  return tensors
}

/** Weights for training from nothing: normal(0, 0.02), residual outputs scaled by 1/√(2L) (GPT-2, Radford et al. 2019). */
export function initialWeights(config: DecoderConfig, normal: () => number): DecoderWeights {
  const fill = (size: number, deviation: number) => {
    const data = new Float32Array(size)
    for (let i = 0; i < size; i++) data[i] = normal() * deviation
    return data
  }
  const shapes = layerWeightShapes(config)
  const residual = 0.02 / Math.sqrt(2 * config.numHiddenLayers)
  const size = (key: keyof LayerWeights) => shapes[key].reduce((product, length) => product * length, 1)
  const embedding = fill(config.vocabSize * config.hiddenSize, 0.02)
  return {
    embedding,
    layers: Array.from({ length: config.numHiddenLayers }, () => ({
      attentionNorm: new Float32Array(config.hiddenSize).fill(1),
      attentionInput: fill(size('attentionInput'), 0.02),
      attentionOutput: fill(size('attentionOutput'), residual),
      mlpNorm: new Float32Array(config.hiddenSize).fill(1),
      mlpInput: fill(size('mlpInput'), 0.02),
      mlpOutput: fill(size('mlpOutput'), residual),
    })),
    finalNorm: new Float32Array(config.hiddenSize).fill(1),
    head: config.tieWordEmbeddings ? embedding : fill(config.vocabSize * config.hiddenSize, 0.02),
  }
}

function concatenate(parts: Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

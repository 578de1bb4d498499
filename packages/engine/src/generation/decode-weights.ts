import {
  type BlockMatrix,
  copyBlockRow,
  fromGgmlBlocks,
  quantiseBlocks,
  stackBlocks,
} from '../decoder/block-matrix.ts'
import { isLinearGroup, type LayerWeightName, type LinearGroup, layerWeightShapes } from '../decoder/layer.ts'
import { concatenate, tensorNames } from '../decoder/weights.ts'
import type { Base, DecoderConfig, TensorSource } from '../formats/types.ts'

/** How a decoding model keeps its matrices: 32-bit floats, or blocks of 32 values of 8 or 4 bits. */
export type DecodePrecision = 'f32' | 'int8' | 'int4'

export type DecodeMatrix = Float32Array | BlockMatrix

export type DecodeLayer = Record<LinearGroup, DecodeMatrix> &
  Record<'attentionNorm' | 'mlpNorm', Float32Array> &
  Partial<Record<Exclude<LayerWeightName, LinearGroup>, Float32Array>>

/** The weights that a decoding graph is made of; they may be dropped once its session is open, but for the embedding. */
export interface DecodeWeights {
  embedding: DecodeMatrix
  layers: DecodeLayer[]
  /** [D] */
  finalNorm: Float32Array
  /** [V, D]; the same as `embedding` when they are tied. */
  head: DecodeMatrix
}

/** What a base is decoded in unless told otherwise: its own 4 or 8 bits (Q4_0, Q4_1; Q8_0), else 32-bit floats. */
export function storedPrecision(base: Pick<Base, 'precision'>): DecodePrecision {
  if (base.precision === 'Q8_0') return 'int8'
  return base.precision === 'Q4_0' || base.precision === 'Q4_1' ? 'int4' : 'f32'
}

/**
 * Reads a base for decoding. Blocks of Q4_0, Q4_1 and Q8_0 that have the bits asked for, or more, are taken over as they
 * are; everything else is rounded from its floats. The vocabulary is never rounded below 8 bits.
 */
export function readDecodeWeights(
  base: Pick<Base, 'config' | 'tensors'>,
  precision: DecodePrecision,
): DecodeWeights {
  const { config, tensors } = base
  const layers = Array.from({ length: config.numHiddenLayers }, (_, layer) => {
    const arrays = [...layerWeightShapes(config).keys()].map((name) => {
      const names = tensorNames(config, layer, name)
      return [name, isLinearGroup(name) ? readMatrix(tensors, names, precision) : readVector(tensors, names)]
    })
    return Object.fromEntries(arrays) as DecodeLayer
  })
  const vocabulary = (name: string) => readMatrix(tensors, [name], precision === 'f32' ? 'f32' : 'int8')
  const embedding = vocabulary('model.embed_tokens.weight')
  return {
    embedding,
    layers,
    finalNorm: tensors.read('model.norm.weight'),
    head: config.tieWordEmbeddings ? embedding : vocabulary('lm_head.weight'),
  }
}

/** Copies the embedded tokens into x [N, D]. */
export function embedTokens(
  config: Pick<DecoderConfig, 'hiddenSize' | 'embeddingScale'>,
  embedding: DecodeMatrix,
  ids: readonly number[],
  x: Float32Array,
): void {
  const { hiddenSize, embeddingScale } = config
  for (const [i, id] of ids.entries()) {
    const offset = i * hiddenSize
    if (!(embedding instanceof Float32Array)) {
      copyBlockRow(embedding, id, embeddingScale, x, offset)
      continue
    }
    x.set(embedding.subarray(id * hiddenSize, (id + 1) * hiddenSize), offset)
    if (embeddingScale !== 1) for (let j = offset; j < offset + hiddenSize; j++) x[j]! *= embeddingScale
  }
}

function readMatrix(
  tensors: TensorSource,
  names: readonly string[],
  precision: DecodePrecision,
): DecodeMatrix {
  if (precision === 'f32') return readVector(tensors, names)
  const bits = precision === 'int8' ? 8 : 4
  const parts = names.map((name) => readBlocks(tensors, name, bits))
  return stackBlocks(parts) ?? stackBlocks(names.map((name) => readBlocks(tensors, name, 8)))!
}

function readBlocks(tensors: TensorSource, name: string, bits: 4 | 8): BlockMatrix {
  const stored = tensors.quantised?.(name)
  const kept = stored && (bits === 8 ? stored.type === 'Q8_0' : true)
  return kept ? fromGgmlBlocks(stored) : quantiseBlocks(tensors.read(name), tensors.shape(name)[0]!, bits)
}

function readVector(tensors: TensorSource, names: readonly string[]): Float32Array {
  return concatenate(names.map((name) => tensors.read(name)))
}

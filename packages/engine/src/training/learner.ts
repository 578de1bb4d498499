import type { Tensor } from 'onnxruntime-node'
import type { Batch } from '../decoder/batch.ts'
import type { Decoder } from '../decoder/decoder.ts'
import { addInto, type Distillation, type HeadGradients } from '../decoder/head.ts'
import { learnedArrays } from '../decoder/layer-inputs.ts'
import { loraByLayer } from '../decoder/lora.ts'
import type { Dropout, LayerGradients } from '../decoder/stack.ts'
import { floatsOf, moduleName } from '../decoder/weights.ts'
import { emptyTensor, floats } from '../graph/session.ts'

/** A tensor that is learned: its values are updated in place, its gradient is added up over micro-batches. */
export interface Parameter {
  name: string
  value: Float32Array
  gradient: Float32Array
  /** Whether weight decay applies (not to norms). */
  decays: boolean
}

/** Weights of the batch's supervised rows, or how they follow from the rows' log-probabilities. */
export type RowWeights = Float32Array | ((logProbabilities: Float32Array) => Float32Array)

/** A model whose logits are learned: makes its logits for the rows of a batch. */
export type Teacher = (batch: Batch) => Promise<Distillation>

/** Computes log-probabilities and gradients for the trainable tensors of a decoder. */
export interface Learner {
  parameters: Parameter[]
  /** log pᵢ of the batch's supervised rows; nothing is learned. */
  score(batch: Batch, dropout?: Dropout): Promise<Float32Array>
  /**
   * Adds the gradient of Σ weightᵢ·log pᵢ over the batch's supervised rows to the parameters; returns log pᵢ.
   * For a loss L, pass weightᵢ = ∂L/∂log pᵢ. Weights that are known beforehand save a product with the vocabulary.
   */
  accumulate(batch: Batch, rowWeights: RowWeights, dropout?: Dropout): Promise<Float32Array>
  /**
   * log pᵢ and T²·KLᵢ from the teacher. With weights, adds the gradient of Σ wᵢ·log pᵢ + vᵢ·T²·KLᵢ; only adapters
   * learn from a teacher.
   */
  distill(
    batch: Batch,
    teacher: Teacher,
    weights?: { rowWeights: Float32Array; divergenceWeights: Float32Array },
    dropout?: Dropout,
  ): Promise<{ logProbabilities: Float32Array; divergences: Float32Array }>
  clearGradients(): void
}

/** Learns an adapter; the decoder must have been created with `trainable: 'adapter'`. */
export function adapterLearner(decoder: Decoder): Learner {
  const layers = learnedByLayer(decoder, 'adapter', (layer, name) => {
    const [linear, side] = name.split('.') as [string, string]
    return { name: `${moduleName(layer, linear)}.${side}`, decays: true }
  })
  return learner(
    layers.flatMap((layer) => [...layer.values()]),
    decoder,
    layers,
  )
}

/** Learns all weights (pre-training); the decoder must have been created with `trainable: 'weights'`. */
export function weightsLearner(decoder: Decoder): Learner {
  const { weights } = decoder
  const layers = learnedByLayer(decoder, 'weights', (layer, name) => {
    return { name: `layers.${layer}.${name}`, decays: !/Norm$|bias$/.test(name) }
  })
  const embedding = learned('embedding', floatsOf(weights.embedding), true)
  const finalNorm = learned('finalNorm', weights.finalNorm, false)
  const tied = weights.head === weights.embedding
  const head = tied ? embedding : learned('head', floatsOf(weights.head), true)
  const parameters = [embedding, ...layers.flatMap((layer) => [...layer.values()]), finalNorm]
  if (!tied) parameters.push(head)
  return learner(parameters, decoder, layers, { embedding, finalNorm, head })
}

/** The parameters of each layer by the name of the graph's input. */
function learnedByLayer(
  { config, weights, adapter }: Decoder,
  trainable: 'adapter' | 'weights',
  describe: (layer: number, input: string) => Pick<Parameter, 'name' | 'decays'>,
): Map<string, Parameter>[] {
  const lora = loraByLayer(config, adapter)
  return weights.layers.map((arrays, layer) => {
    const values = learnedArrays({ config, arrays, lora: lora[layer]! }, trainable)
    const parameters = [...values].map(([input, value]) => {
      const { name, decays } = describe(layer, input)
      return [input, learned(name, value, decays)] as const
    })
    return new Map(parameters)
  })
}

interface Whole {
  embedding: Parameter
  finalNorm: Parameter
  head: Parameter
}

function learned(name: string, value: Float32Array, decays: boolean): Parameter {
  return { name, value, gradient: new Float32Array(value.length), decays }
}

function learner(
  parameters: Parameter[],
  decoder: Decoder,
  layers: Map<string, Parameter>[],
  whole?: Whole,
): Learner {
  const sums: HeadGradients | undefined = whole && {
    finalNorm: whole.finalNorm.gradient,
    head: whole.head.gradient,
  }
  const addGradients: LayerGradients = (layer, gradients) => {
    for (const [name, values] of gradients) addInto(layers[layer]!.get(name)!.gradient, values)
  }
  /** Whether all gradients are zero, so that they may be written instead of added to. */
  let cleared = true
  const backward = async (batch: Batch, gradient: Tensor, dropout?: Dropout) => {
    cleared = false
    const dx = await decoder.stack.backward(batch, gradient, addGradients, dropout)
    if (whole) {
      const { hiddenSize, embeddingScale } = decoder.config
      scatterRows(whole.embedding.gradient, batch.ids, floats(dx), hiddenSize, embeddingScale)
    }
  }
  return {
    parameters,
    async score(batch, dropout) {
      const hidden = await decoder.stack.forward(batch, dropout)
      return decoder.head.logProbabilities(hidden, batch.rows, batch.targets)
    },
    async accumulate(batch, rowWeights, dropout) {
      if (decoder.whole && rowWeights instanceof Float32Array) {
        const arrays = layers.map((parameters) => {
          return new Map([...parameters].map(([name, { gradient }]) => [name, gradient]))
        })
        const gradients = cleared ? { overwrites: arrays } : { sums: arrays }
        cleared = false
        return decoder.whole.differentiate(batch, rowWeights, gradients, dropout)
      }
      const hidden = await decoder.stack.forward(batch, dropout)
      const gradient = emptyTensor(hidden.dims)
      const { rows, targets } = batch
      const weights =
        rowWeights instanceof Float32Array
          ? rowWeights
          : rowWeights(await decoder.head.logProbabilities(hidden, rows, targets))
      const scores = await decoder.head.differentiate(hidden, rows, targets, weights, gradient, sums)
      await backward(batch, gradient, dropout)
      return scores
    },
    async distill(batch, teacher, weights, dropout) {
      const distillation = await teacher(batch)
      const hidden = await decoder.stack.forward(batch, dropout)
      const { rows, targets } = batch
      if (!weights) return decoder.head.distill(hidden, rows, targets, distillation)
      const gradient = emptyTensor(hidden.dims)
      const learned = { ...weights, gradient }
      const scores = await decoder.head.distill(hidden, rows, targets, distillation, learned)
      await backward(batch, gradient, dropout)
      return scores
    },
    clearGradients() {
      for (const parameter of parameters) parameter.gradient.fill(0)
      cleared = true
    },
  }
}

/** Adds row i of the gradient, scaled, to row ids[i] of the embedding's gradient. Padding has a zero gradient. */
function scatterRows(
  sum: Float32Array,
  ids: Int32Array,
  gradient: Float32Array,
  width: number,
  scale: number,
): void {
  for (const [i, id] of ids.entries()) {
    for (let j = 0; j < width; j++) sum[id * width + j]! += scale * gradient[i * width + j]!
  }
}

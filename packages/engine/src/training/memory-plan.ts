// How much memory a training will take, and which of the two executions it can afford. The counts follow the graphs of
// decoder/layer.ts: what the backward pass reads again is kept, what is cheap is made again.
import type { Execution } from '../decoder/decoder.ts'
import { LARGEST_CHUNK } from '../decoder/head.ts'
import { linearShapes } from '../decoder/layer.ts'
import { type DecoderWeights, weightBytes } from '../decoder/weights.ts'
import type { Adapter, DecoderConfig } from '../formats/types.ts'

const FLOAT = 4
/** Node, ONNX Runtime and the tokenizer, measured. */
const PROCESS_BYTES = 170e6
/** Compiled nodes of one layer with its gradients, measured. */
const LAYER_GRAPH_BYTES = 1.6e6
/** Value, gradient and two moments. */
const COPIES_OF_ADAPTER = 4
/** The whole graph is chosen when it takes at most this share of what is available †: others live here too. */
const AFFORDABLE = 0.6

export interface MemoryPlan {
  execution: Execution
  /** Estimated peak of the chosen execution, in bytes. */
  bytes: number
  layeredBytes: number
  wholeBytes: number
  availableBytes: number
}

export interface MemoryQuestion {
  config: DecoderConfig
  weights: DecoderWeights
  adapter: Adapter
  /** Most tokens that go through the model at once, padding included, and the longest row of them. */
  tokens: number
  length: number
  /** Whether the loss can be learned in one graph: its weights are known before its log-probabilities. */
  canBeWhole: boolean
  availableBytes: number
}

/** Estimates the peak of both executions and chooses the faster one that fits. */
export function planMemory(question: MemoryQuestion): MemoryPlan {
  const { config, weights, adapter, tokens, length, canBeWhole, availableBytes } = question
  const { hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, headDim, vocabSize } = config
  const queries = numAttentionHeads * headDim
  const keys = config.numKeyValueHeads * headDim
  const scores = FLOAT * numAttentionHeads * tokens * length
  const adapterValues = [...adapter.modules.values()].reduce((sum, { a, b }) => sum + a.length + b.length, 0)
  const expanded = (values: number) => (weights.precision === 'f32' ? 0 : FLOAT * values)
  const largestLinear = Math.max(
    ...Object.values(linearShapes(config)).map(({ inFeatures, outFeatures }) => inFeatures * outFeatures),
  )
  const normed = (config.postNorms ? 2 * hiddenSize : 0) + (config.queryKeyNorm ? queries + keys : 0)
  const kept = FLOAT * tokens * (2 * hiddenSize + queries + 2 * keys + 2 * intermediateSize + normed) + scores
  const working =
    FLOAT * tokens * (6 * intermediateSize + 6 * hiddenSize) + 3 * scores + 2 * expanded(largestLinear)
  const head = 2 * FLOAT * LARGEST_CHUNK * vocabSize + expanded(vocabSize * hiddenSize)
  const fixed = PROCESS_BYTES + weightBytes(weights) + COPIES_OF_ADAPTER * FLOAT * adapterValues
  const layerInputs = FLOAT * tokens * hiddenSize * (numHiddenLayers + 1)
  const layeredBytes = Math.round(fixed + layerInputs + kept + working + head)
  const wholeBytes = Math.round(
    fixed + numHiddenLayers * (kept + LAYER_GRAPH_BYTES) + Math.max(working, head) + head / 2,
  )
  const execution = canBeWhole && wholeBytes <= AFFORDABLE * availableBytes ? 'whole' : 'layered'
  const bytes = execution === 'whole' ? wholeBytes : layeredBytes
  return { execution, bytes, layeredBytes, wholeBytes, availableBytes }
}

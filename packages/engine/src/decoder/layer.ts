import type { DecoderConfig } from '../formats/types.ts'
import type { Graph, Value } from '../graph/graph.ts'
import {
  add,
  type LowRank,
  linears,
  maskedSoftmax,
  matmul,
  type RotaryTables,
  reshape,
  rmsNorm,
  rotate,
  swiglu,
  transpose,
} from '../graph/operations.ts'
import type { Tape } from '../graph/tape.ts'

/** The linears that LoRA may update, grouped as their weights are stacked. */
export const LINEAR_GROUPS = {
  attentionInput: ['q_proj', 'k_proj', 'v_proj'],
  attentionOutput: ['o_proj'],
  mlpInput: ['gate_proj', 'up_proj'],
  mlpOutput: ['down_proj'],
} as const

export type LinearGroup = keyof typeof LINEAR_GROUPS
export type LinearName = (typeof LINEAR_GROUPS)[LinearGroup][number]

export const LINEAR_NAMES: readonly LinearName[] = Object.values(LINEAR_GROUPS).flat()

export interface LayerWeights {
  attentionNorm: Value
  attentionInput: Value
  attentionOutput: Value
  mlpNorm: Value
  mlpInput: Value
  mlpOutput: Value
}

export type LayerUpdates = Partial<Record<LinearName, LowRank>>

/** Maps queries [N, H·hd], keys and values [N, KV·hd] to the mixed values [N, H·hd]. */
export type Attention = (query: Value, key: Value, value: Value) => Value

/** [in, out] of each linear. */
export function linearShapes(
  config: DecoderConfig,
): Record<LinearName, { inFeatures: number; outFeatures: number }> {
  const query = config.numAttentionHeads * config.headDim
  const keyValue = config.numKeyValueHeads * config.headDim
  const { hiddenSize, intermediateSize } = config
  return {
    q_proj: { inFeatures: hiddenSize, outFeatures: query },
    k_proj: { inFeatures: hiddenSize, outFeatures: keyValue },
    v_proj: { inFeatures: hiddenSize, outFeatures: keyValue },
    o_proj: { inFeatures: query, outFeatures: hiddenSize },
    gate_proj: { inFeatures: hiddenSize, outFeatures: intermediateSize },
    up_proj: { inFeatures: hiddenSize, outFeatures: intermediateSize },
    down_proj: { inFeatures: intermediateSize, outFeatures: hiddenSize },
  }
}

/** Shapes of a layer's stacked weights, row-major [Σout, in]. */
export function layerWeightShapes(config: DecoderConfig): Record<keyof LayerWeights, number[]> {
  const shapes = linearShapes(config)
  const stacked = (group: LinearGroup) => {
    const members = LINEAR_GROUPS[group].map((name) => shapes[name])
    return [members.reduce((sum, member) => sum + member.outFeatures, 0), members[0]!.inFeatures]
  }
  return {
    attentionNorm: [config.hiddenSize],
    attentionInput: stacked('attentionInput'),
    attentionOutput: stacked('attentionOutput'),
    mlpNorm: [config.hiddenSize],
    mlpInput: stacked('mlpInput'),
    mlpOutput: stacked('mlpOutput'),
  }
}

/** One decoder layer of the Llama family (Touvron et al. 2023): x [N, D] → [N, D]. */
export function decoderLayer(
  tape: Tape,
  config: DecoderConfig,
  x: Value,
  weights: LayerWeights,
  updates: LayerUpdates,
  attention: Attention,
): Value {
  const shapes = linearShapes(config)
  const project = (input: Value, group: LinearGroup) => {
    const names = LINEAR_GROUPS[group]
    return linears(
      tape,
      input,
      weights[group],
      names.map((name) => shapes[name].outFeatures),
      names.map((name) => updates[name] ?? null),
    )
  }
  const [query, key, value] = project(
    rmsNorm(tape, x, weights.attentionNorm, config.rmsNormEps),
    'attentionInput',
  )
  const [attended] = project(attention(query!, key!, value!), 'attentionOutput')
  const middle = add(tape, x, attended!)
  const [gate, up] = project(rmsNorm(tape, middle, weights.mlpNorm, config.rmsNormEps), 'mlpInput')
  const [projected] = project(swiglu(tape, gate!, up!), 'mlpOutput')
  return add(tape, middle, projected!)
}

export interface BatchShape {
  batch: number
  length: number
}

/**
 * Attention within a batch: mask [B, 1, T, T] is added to the scores. Grouped queries (Ainslie et al. 2023) share
 * keys and values by stacking their rows, so nothing is repeated.
 */
export function batchAttention(
  tape: Tape,
  config: DecoderConfig,
  shape: BatchShape,
  tables: RotaryTables,
  mask: Value,
  onKeysAndValues?: (keys: Value, values: Value) => void,
): Attention {
  const { batch, length } = shape
  const { numAttentionHeads, numKeyValueHeads, headDim } = config
  const group = numAttentionHeads / numKeyValueHeads
  const heads = (x: Value, count: number) =>
    transpose(tape, reshape(tape, x, [batch, length, count, headDim]), [0, 2, 1, 3])
  return (query, key, value) => {
    const queries = rotate(tape, heads(query, numAttentionHeads), tables)
    const keys = rotate(tape, heads(key, numKeyValueHeads), tables)
    const values = heads(value, numKeyValueHeads)
    onKeysAndValues?.(keys, values)
    const flat = batch * numKeyValueHeads
    const scores = matmul(
      tape,
      reshape(tape, queries, [flat, group * length, headDim]),
      reshape(tape, keys, [flat, length, headDim]),
      { transposeB: true, alpha: 1 / Math.sqrt(headDim) },
    )
    const square = reshape(tape, scores, [batch, numAttentionHeads, length, length])
    const probabilities = reshape(tape, maskedSoftmax(tape, square, mask), [flat, group * length, length])
    const mixed = matmul(tape, probabilities, reshape(tape, values, [flat, length, headDim]))
    const byToken = transpose(
      tape,
      reshape(tape, mixed, [batch, numAttentionHeads, length, headDim]),
      [0, 2, 1, 3],
    )
    return reshape(tape, byToken, [batch * length, numAttentionHeads * headDim])
  }
}

/**
 * Attention of one new token per row over a cache of `capacity` keys and values [B, KV, capacity, hd]; the new
 * token's own key and value are handed out and attended to beside the cache. mask [B, 1, 1, capacity].
 */
export function cachedAttention(
  tape: Tape,
  config: DecoderConfig,
  batch: number,
  capacity: number,
  tables: RotaryTables,
  cache: { keys: Value; values: Value; mask: Value },
  onKeysAndValues: (keys: Value, values: Value) => void,
): Attention {
  const { graph } = tape
  const { numAttentionHeads, numKeyValueHeads, headDim } = config
  const group = numAttentionHeads / numKeyValueHeads
  return (query, key, value) => {
    const rotated = graph.rotate(
      graph.reshape(query, [batch, numAttentionHeads, 1, headDim]),
      tables.positions,
      tables.cos,
      tables.sin,
    )
    const queries = graph.reshape(rotated, [batch, numKeyValueHeads, group, headDim])
    const keys = graph.rotate(
      graph.reshape(key, [batch, numKeyValueHeads, 1, headDim]),
      tables.positions,
      tables.cos,
      tables.sin,
    )
    const values = graph.reshape(value, [batch, numKeyValueHeads, 1, headDim])
    onKeysAndValues(keys, values)
    const alpha = 1 / Math.sqrt(headDim)
    const past = graph.add(graph.matmul(queries, cache.keys, { transposeB: true, alpha }), cache.mask)
    const own = graph.matmul(queries, keys, { transposeB: true, alpha })
    const probabilities = graph.softmax(graph.concat([past, own], 3))
    const [onPast, onOwn] = graph.split(probabilities, [capacity, 1], 3)
    const mixed = graph.add(graph.matmul(onPast!, cache.values), graph.multiply(onOwn!, values))
    return graph.reshape(mixed, [batch, numAttentionHeads * headDim])
  }
}

/** Tables of the rotation angles position · theta^(−2i/headDim), with the positions as an input [B, T]. */
export function rotaryTables(
  graph: Graph,
  config: DecoderConfig,
  positions: Value,
  maxPosition: number,
): RotaryTables {
  const half = config.headDim / 2
  const cos = new Float32Array(maxPosition * half)
  const sin = new Float32Array(maxPosition * half)
  for (let position = 0; position < maxPosition; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * config.ropeTheta ** ((-2 * i) / config.headDim)
      cos[position * half + i] = Math.cos(angle)
      sin[position * half + i] = Math.sin(angle)
    }
  }
  const table = (data: Float32Array) => graph.constant([maxPosition, half], data)
  return { positions, cos: table(cos), sin: table(sin), negativeSin: table(sin.map((value) => -value)) }
}

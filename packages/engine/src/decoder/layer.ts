import type { DecoderConfig } from '../formats/types.ts'
import type { Value } from '../graph/graph.ts'
import {
  add,
  attend,
  geglu,
  type LowRank,
  linears,
  matmul,
  type RotaryTables,
  reshape,
  rmsNorm,
  rotate,
  swiglu,
  transpose,
  type Weight,
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

export function groupOf(linear: LinearName): LinearGroup {
  const groups = Object.keys(LINEAR_GROUPS) as LinearGroup[]
  return groups.find((group) => (LINEAR_GROUPS[group] as readonly string[]).includes(linear))!
}

/** Names of a layer's arrays: linears of one input are stacked [Σout, in], norms and biases are vectors. */
export type LayerWeightName =
  | LinearGroup
  | 'attentionNorm'
  | 'mlpNorm'
  /** [Σout] of queries, keys and values, where they have biases. */
  | 'attentionBias'
  /** [headDim], where queries and keys are normalised. */
  | 'queryNorm'
  | 'keyNorm'
  /** [D], where what attention and MLP add is normalised. */
  | 'attentionPostNorm'
  | 'mlpPostNorm'

/** A layer's weights in a graph: linears and their biases one by one. */
export type LayerWeights = Record<LinearName, Weight> &
  Record<'attentionNorm' | 'mlpNorm', Value> &
  Partial<Record<'queryNorm' | 'keyNorm' | 'attentionPostNorm' | 'mlpPostNorm', Value>> &
  Partial<Record<`${LinearName}.bias`, Value>>

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

/** Whether a weight of a layer is a matrix, which may be kept in fewer bits. */
export function isLinearGroup(name: LayerWeightName): name is LinearGroup {
  return Object.hasOwn(LINEAR_GROUPS, name)
}

/** Shapes of the weights that a layer of this configuration has; linears are row-major [Σout, in]. */
export function layerWeightShapes(config: DecoderConfig): Map<LayerWeightName, number[]> {
  const shapes = linearShapes(config)
  const stacked = (group: LinearGroup): number[] => {
    const members = LINEAR_GROUPS[group].map((name) => shapes[name])
    return [members.reduce((sum, member) => sum + member.outFeatures, 0), members[0]!.inFeatures]
  }
  const { hiddenSize, headDim } = config
  const all: [LayerWeightName, number[], boolean][] = [
    ['attentionNorm', [hiddenSize], true],
    ['attentionInput', stacked('attentionInput'), true],
    ['attentionBias', [stacked('attentionInput')[0]!], config.attentionBias],
    ['queryNorm', [headDim], config.queryKeyNorm],
    ['keyNorm', [headDim], config.queryKeyNorm],
    ['attentionOutput', stacked('attentionOutput'), true],
    ['attentionPostNorm', [hiddenSize], config.postNorms],
    ['mlpNorm', [hiddenSize], true],
    ['mlpInput', stacked('mlpInput'), true],
    ['mlpOutput', stacked('mlpOutput'), true],
    ['mlpPostNorm', [hiddenSize], config.postNorms],
  ]
  return new Map(all.filter(([, , present]) => present).map(([name, shape]) => [name, shape]))
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
  const norm = (value: Value, weight: Value) => rmsNorm(tape, value, weight, config.rmsNormEps)
  const project = (input: Value, group: LinearGroup) =>
    linears(
      tape,
      input,
      LINEAR_GROUPS[group].map((name) => ({
        weight: weights[name],
        bias: weights[`${name}.bias`] ?? null,
        update: updates[name] ?? null,
      })),
    )
  const perHead = (value: Value, weight: Value | undefined) => {
    if (!weight) return value
    const [rows, width] = value.shape as [number, number]
    const heads = reshape(tape, value, [(rows * width) / config.headDim, config.headDim])
    return reshape(tape, norm(heads, weight), [rows, width])
  }
  const [query, key, value] = project(norm(x, weights.attentionNorm), 'attentionInput')
  const mixed = attention(perHead(query!, weights.queryNorm), perHead(key!, weights.keyNorm), value!)
  const [attended] = project(mixed, 'attentionOutput')
  const { attentionPostNorm, mlpPostNorm } = weights
  const middle = add(tape, x, attentionPostNorm ? norm(attended!, attentionPostNorm) : attended!)
  const [gate, up] = project(norm(middle, weights.mlpNorm), 'mlpInput')
  const gated = config.activation === 'silu' ? swiglu(tape, gate!, up!) : geglu(tape, gate!, up!)
  const [projected] = project(gated, 'mlpOutput')
  return add(tape, middle, mlpPostNorm ? norm(projected!, mlpPostNorm) : projected!)
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
    const flat = batch * numKeyValueHeads
    const scores = matmul(
      tape,
      reshape(tape, queries, [flat, group * length, headDim]),
      reshape(tape, keys, [flat, length, headDim]),
      { transposeB: true, alpha: config.attentionScale },
    )
    const masked = (value: Value) => {
      const square = tape.graph.reshape(value, [batch, numAttentionHeads, length, length])
      return tape.graph.reshape(tape.graph.add(square, mask), [flat, group * length, length])
    }
    const mixed = attend(tape, scores, masked, reshape(tape, values, [flat, length, headDim]))
    const byToken = transpose(
      tape,
      reshape(tape, mixed, [batch, numAttentionHeads, length, headDim]),
      [0, 2, 1, 3],
    )
    return reshape(tape, byToken, [batch * length, numAttentionHeads * headDim])
  }
}

// The inputs of a graph that hold one layer's weights and adapter, and the tensors that fill them. Linears are kept
// stacked and read in parts; `prefix` tells layers apart where one graph holds several.
import type { AttentionKind, DecoderConfig, LoraTensors } from '../formats/types.ts'
import type { Graph, Value } from '../graph/graph.ts'
import type { RotaryTables } from '../graph/operations.ts'
import { emptyTensor, type Feeds, tensorOver } from '../graph/session.ts'
import { type Batch, slidingMask } from './batch.ts'
import {
  groupOf,
  isLinearGroup,
  type LayerUpdates,
  type LayerWeights,
  LINEAR_GROUPS,
  LINEAR_NAMES,
  type LinearGroup,
  type LinearName,
  layerWeightShapes,
  linearShapes,
} from './layer.ts'
import type { LayerLora } from './lora.ts'
import { declareMatrix, matrixFeeds, matrixRows, precisionOf } from './matrix.ts'
import { rotaryAngles } from './rotary.ts'
import type { LayerArrays } from './weights.ts'

/** What receives gradients: nothing, the adapter, or all weights (pre-training). */
export type Trainable = 'none' | 'adapter' | 'weights'

export interface LayerParts {
  config: DecoderConfig
  arrays: LayerArrays
  lora: LayerLora
}

/** A vector or a part of a stacked matrix, as one input of a graph. */
interface Part {
  name: string
  shape: number[]
  /** First row in the stacked array, in units of `shape[0]` rows. */
  start: number
}

/** The vectors of a layer, biases taken apart by linear: 'q_proj.bias'. */
function vectorParts(config: DecoderConfig): (Part & { of: keyof LayerArrays })[] {
  return [...layerWeightShapes(config)].flatMap(([of, shape]): ReturnType<typeof vectorParts> => {
    if (isLinearGroup(of)) return []
    if (of !== 'attentionBias') return [{ of, name: of, shape, start: 0 }]
    const sizes = LINEAR_GROUPS.attentionInput.map((name) => linearShapes(config)[name].outFeatures)
    return LINEAR_GROUPS.attentionInput.map((name, i) => ({
      of,
      name: `${name}.bias`,
      shape: [sizes[i]!],
      start: sizes.slice(0, i).reduce((sum, size) => sum + size, 0),
    }))
  })
}

/** The linears of a layer, each with the group that its weight is stacked in. */
function linearParts(
  config: DecoderConfig,
): (Part & { name: LinearName; group: keyof typeof LINEAR_GROUPS })[] {
  const shapes = linearShapes(config)
  return Object.entries(LINEAR_GROUPS).flatMap(([group, names]) => {
    let start = 0
    return names.map((name) => {
      const { inFeatures, outFeatures } = shapes[name]
      const part = {
        name,
        group: group as keyof typeof LINEAR_GROUPS,
        shape: [outFeatures, inFeatures],
        start,
      }
      start += outFeatures
      return part
    })
  })
}

export interface DeclareOptions {
  trainable: Trainable
  /** Told every input that is learned, by its name without the prefix. */
  learn: (name: string, input: Value) => void
  prefix?: string
  /** Rows of the masks of dropout; none without. */
  dropoutRows?: number
}

/** Declares a layer's inputs. */
export function declareLayer(
  graph: Graph,
  { config, arrays, lora }: LayerParts,
  { trainable, learn, prefix = '', dropoutRows }: DeclareOptions,
): { weights: LayerWeights; updates: LayerUpdates } {
  const vectors = vectorParts(config).map(({ name, shape }) => {
    const input = graph.input(`${prefix}${name}`, shape)
    if (trainable === 'weights') learn(name, input)
    return [name, input] as const
  })
  const linears = linearParts(config).map(({ name, group, shape }) => {
    const weight = declareMatrix(graph, `${prefix}${name}`, shape, precisionOf(arrays[group]))
    if (trainable === 'weights') learn(name, weight.input)
    return [name, weight] as const
  })
  const masks = new Map(
    [...(dropoutRows === undefined ? [] : updatedGroups(lora))].map(([group, width]) => {
      return [group, graph.input(`${prefix}${group}.dropout`, [dropoutRows!, width])] as const
    }),
  )
  const updates: LayerUpdates = {}
  for (const [name, { rank, inFeatures, outFeatures, scale }] of updatesOf(lora)) {
    const a = graph.input(`${prefix}${name}.a`, [rank, inFeatures])
    const b = graph.input(`${prefix}${name}.b`, [outFeatures, rank])
    if (trainable === 'adapter') {
      learn(`${name}.a`, a)
      learn(`${name}.b`, b)
    }
    updates[name] = { a, b, scale, mask: masks.get(groupOf(name)) }
  }
  return {
    weights: Object.fromEntries<unknown>([...vectors, ...linears]) as unknown as LayerWeights,
    updates,
  }
}

/** Tensors for the masks of dropout [N, in], which `maskOf` gives by group. */
export function dropoutFeeds(
  { lora }: LayerParts,
  maskOf: (group: LinearGroup) => Float32Array,
  prefix = '',
): Feeds {
  const feeds = [...updatedGroups(lora)].map(([group, width]) => {
    const mask = maskOf(group)
    return [`${prefix}${group}.dropout`, tensorOver(mask, [mask.length / width, width])]
  })
  return Object.fromEntries(feeds)
}

/** Tensors over a layer's arrays for the inputs that `declareLayer` declares. */
export function layerFeeds({ config, arrays, lora }: LayerParts, prefix = ''): Feeds {
  const feeds: Feeds = {}
  for (const { of, name, shape, start } of vectorParts(config)) {
    const vector = (arrays[of] as Float32Array).subarray(start, start + shape[0]!)
    feeds[`${prefix}${name}`] = tensorOver(vector, shape)
  }
  for (const { name, group, shape, start } of linearParts(config)) {
    const part = matrixRows(arrays[group], start, shape[0]!, shape[1]!)
    Object.assign(feeds, matrixFeeds(`${prefix}${name}`, part, shape))
  }
  for (const [name, { a, b, rank, inFeatures, outFeatures }] of updatesOf(lora)) {
    feeds[`${prefix}${name}.a`] = tensorOver(a, [rank, inFeatures])
    feeds[`${prefix}${name}.b`] = tensorOver(b, [outFeatures, rank])
  }
  return feeds
}

/** What is learned of a layer: its arrays by input name, as views of the layer's own. */
export function learnedArrays(parts: LayerParts, trainable: Trainable): Map<string, Float32Array> {
  const wanted = Object.entries(layerFeeds(parts)).filter(([name]) => {
    const ofAdapter = /\.[ab]$/.test(name)
    return trainable === 'none' ? false : ofAdapter === (trainable === 'adapter')
  })
  return new Map(wanted.map(([name, tensor]) => [name, tensor.data as Float32Array]))
}

/** Tensors for the gradients of what is learned of a layer, by the input's name behind `prefix`. */
export function gradientTensors(parts: LayerParts, prefix: string, trainable: Trainable = 'adapter'): Feeds {
  const feeds = layerFeeds(parts)
  const names = [...learnedArrays(parts, trainable).keys()]
  return Object.fromEntries(names.map((name) => [`${prefix}${name}`, emptyTensor(feeds[name]!.dims)]))
}

/** Layers with equal signatures can share a graph. */
export function layerSignature({ arrays, lora }: LayerParts): string {
  const updates = updatesOf(lora).map(([name, { rank, scale }]) => `${name}:${rank}:${scale}`)
  return [precisionOf(arrays.attentionInput), ...updates].join(',')
}

/** Declares rotation angles for positions below `length`; `differentiate` adds those that rotate back. */
export function declareAngles(
  graph: Graph,
  headDim: number,
  positions: Value,
  length: number,
  differentiate: boolean,
  prefix = '',
): RotaryTables {
  const shape = [length, headDim / 2]
  const [cos, sin] = [graph.input(`${prefix}cos`, shape), graph.input(`${prefix}sin`, shape)]
  // Without gradients nothing rotates back, and an input that nothing reads would not be fed.
  const negativeSin = differentiate ? graph.input(`${prefix}negativeSin`, shape) : sin
  return { positions, cos, sin, negativeSin }
}

/** Tensors for `declareAngles`. */
export function angleFeeds(
  kind: AttentionKind,
  headDim: number,
  length: number,
  differentiate: boolean,
  prefix = '',
): Feeds {
  const { cos, sin, negativeSin } = rotaryAngles(kind.rope, headDim, length)
  const shape = [length, headDim / 2]
  const feeds: Feeds = { [`${prefix}cos`]: tensorOver(cos, shape), [`${prefix}sin`]: tensorOver(sin, shape) }
  if (differentiate) feeds[`${prefix}negativeSin`] = tensorOver(negativeSin, shape)
  return feeds
}

/** What layers of one kind may see of a batch, [B, 1, T, T]. */
export function maskFeed(kind: AttentionKind, batch: Batch) {
  const mask = kind.window === null ? batch.mask : slidingMask(batch, kind.window)
  return tensorOver(mask, [batch.batch, 1, batch.length, batch.length])
}

function updatesOf(lora: LayerLora): [LinearName, LoraTensors][] {
  return LINEAR_NAMES.flatMap((name) => (lora[name] ? [[name, lora[name]] as [LinearName, LoraTensors]] : []))
}

/** The groups of linears that an adapter updates, with the width of their input. */
function updatedGroups(lora: LayerLora): Map<LinearGroup, number> {
  return new Map(updatesOf(lora).map(([name, { inFeatures }]) => [groupOf(name), inFeatures]))
}

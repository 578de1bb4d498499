// The whole decoder as one graph, for decoding only. The number of rows, the tokens of a row, the capacity of the cache
// and the width of the adapters are left open, so that one session, and so one packed copy of the weights, serves all.
import { BLOCK, type BlockMatrix } from '../decoder/block-matrix.ts'
import { LINEAR_GROUPS, type LinearGroup, type LinearName, linearShapes } from '../decoder/layer.ts'
import type { DecoderConfig } from '../formats/types.ts'
import { Graph, type Value } from '../graph/graph.ts'
import type { DecodeLayer, DecodeMatrix, DecodeWeights } from './decode-weights.ts'

const MICROSOFT = 'com.microsoft'
/** A size that each run chooses. */
const OPEN = -1

/**
 * Inputs: x [N, D] with N = B·S, S tokens of each of B rows; positions [B, S]; heads, which is [B, S, H + 2·KV, hd]; rows
 * [R], of the N hidden states those whose scores are wanted; for each kind of attention cos.{kind} and sin.{kind}
 * [capacity, hd/2], and what is added to scores to hide keys, past.{kind} [B, 1, G·S, capacity] for those of the cache
 * and own.{kind} [1, 1, G·S, S] for those of this run, with G = H/KV (or 1 where all are equal); sizes, which is
 * [capacity, S]; {layer}.keys and {layer}.values [B, KV, capacity, hd]. Outputs: scores [R, V], natural-log probabilities; fresh
 * [2·L·B, KV, S, hd], the keys and values of each layer, to be written into the cache.
 *
 * The kernel GroupQueryAttention would do with a third of the nodes, but hands out the whole cache, and the runtime's
 * binding copies what is handed out.
 *
 * With `ranks` tokens are sorted into segments of one adapter each: order [A, M] says which of the N they are, place [N]
 * where a token is in them, adapted [N, 1] is 0 for one without an adapter. {layer}.{group}.a [A, rank, in] holds the A
 * of a group's linears one below the other, {layer}.{linear}.b [A, rank, out] each B with its scale.
 */
export function decodeGraph(
  config: DecoderConfig,
  weights: DecodeWeights,
  ranks: Record<LinearName, number> | null,
): Graph {
  const graph = new Graph()
  new Builder(graph, config, ranks).build(weights)
  return graph
}

interface AttentionKindInputs {
  past: Value
  own: Value
  angles: { cos: Value; sin: Value } | null
}

interface AttentionInputs {
  positions: Value
  heads: Value
  sizes: Value
  kind: AttentionKindInputs
  /** Collects the keys and values of this run. */
  fresh: Value[]
}

class Builder {
  #graph: Graph
  #config: DecoderConfig
  #ranks: Record<LinearName, number> | null
  #segments: { order: Value; place: Value; adapted: Value } | null = null

  constructor(graph: Graph, config: DecoderConfig, ranks: Record<LinearName, number> | null) {
    this.#graph = graph
    this.#config = config
    this.#ranks = ranks
  }

  build(weights: DecodeWeights): void {
    const graph = this.#graph
    const { hiddenSize, vocabSize } = this.#config
    const x = graph.input('x', [OPEN, hiddenSize])
    const rows = graph.input('rows', [OPEN], 'int64')
    const positions = graph.input('positions', [OPEN, OPEN], 'int64')
    const heads = graph.input('heads', [4], 'int64')
    const kinds = this.#kinds()
    const sizes = graph.input('sizes', [2], 'int64')
    const fresh: Value[] = []
    if (this.#ranks) {
      this.#segments = {
        order: graph.input('order', [OPEN, OPEN], 'int64'),
        place: graph.input('place', [OPEN], 'int64'),
        adapted: graph.input('adapted', [OPEN, 1]),
      }
    }
    let residual = x
    let normed = this.#norm(x, this.#vector('0.attentionNorm', weights.layers[0]!.attentionNorm))
    for (const [i, layer] of weights.layers.entries()) {
      const kind = kinds[this.#config.layerKinds[i]!]!
      const attended = this.#attention(i, layer, normed, { positions, heads, sizes, kind, fresh })
      const afterAttention = this.#postNorm(`${i}.attentionPostNorm`, layer.attentionPostNorm, attended)
      const middle = this.#addAndNorm(residual, afterAttention, this.#vector(`${i}.mlpNorm`, layer.mlpNorm))
      const projected = this.#mlp(i, layer, middle.normed)
      const afterMlp = this.#postNorm(`${i}.mlpPostNorm`, layer.mlpPostNorm, projected)
      const next = weights.layers[i + 1]
      const nextNorm = next
        ? this.#vector(`${i + 1}.attentionNorm`, next.attentionNorm)
        : this.#vector('finalNorm', weights.finalNorm)
      ;({ sum: residual, normed } = this.#addAndNorm(middle.sum, afterMlp, nextNorm))
    }
    graph.output(graph.concat(fresh, 0), 'fresh')
    const wanted = graph.gatherRows(normed, rows)
    const logits = this.#product('head', wanted, weights.head, vocabSize)
    const attributes = { axis: -1 }
    graph.output(graph.node('LogSoftmax', [logits], [logits.shape], { attributes })[0]!, 'scores')
  }

  #attention(i: number, layer: DecodeLayer, x: Value, inputs: AttentionInputs): Value {
    const graph = this.#graph
    const { numAttentionHeads, numKeyValueHeads, headDim, attentionScale: alpha } = this.#config
    const { kind, fresh, sizes } = inputs
    const [query, key, value] = this.#queriesKeysValues(i, layer, x, inputs)
    fresh.push(key, value)
    const cache = [OPEN, numKeyValueHeads, OPEN, headDim]
    const [pastKeys, pastValues] = ['keys', 'values'].map((name) => graph.input(`${i}.${name}`, cache))
    // Queries that share keys lie one below the other: [B, KV, H/KV · S, hd].
    const shared = this.#reshape(query, [0, numKeyValueHeads, OPEN, headDim])
    const scores = [
      graph.add(graph.matmul(shared, pastKeys!, { transposeB: true, alpha }), kind.past),
      graph.add(graph.matmul(shared, key, { transposeB: true, alpha }), kind.own),
    ]
    const probabilities = graph.softmax(graph.concat(scores, 3))
    const square = [OPEN, numKeyValueHeads, OPEN, OPEN]
    const parts = graph.node('Split', [probabilities, sizes], [square, square], { attributes: { axis: 3 } })
    const mixed = graph.add(graph.matmul(parts[0]!, pastValues!), graph.matmul(parts[1]!, value))
    const byHead = this.#reshape(mixed, [0, numAttentionHeads, OPEN, headDim])
    const byToken = this.#reshape(graph.transpose(byHead, [0, 2, 1, 3]), [OPEN, numAttentionHeads * headDim])
    return this.#linears(i, 'attentionOutput', layer, byToken)
  }

  /** Queries [B, H, S, hd], keys and values [B, KV, S, hd], normalised and rotated. */
  #queriesKeysValues(
    i: number,
    layer: DecodeLayer,
    x: Value,
    { heads, positions, kind }: AttentionInputs,
  ): [Value, Value, Value] {
    const graph = this.#graph
    const { numAttentionHeads, numKeyValueHeads, headDim } = this.#config
    let packed = this.#linears(i, 'attentionInput', layer, x)
    if (layer.attentionBias)
      packed = graph.add(packed, this.#vector(`${i}.attentionBias`, layer.attentionBias))
    const all = numAttentionHeads + 2 * numKeyValueHeads
    const apart = graph.node('Reshape', [packed, heads], [[OPEN, OPEN, all, headDim]])[0]!
    const byHead = graph.transpose(apart, [0, 2, 1, 3])
    const counts = [numAttentionHeads, numKeyValueHeads, numKeyValueHeads] as const
    const rotate = (value: Value) => {
      return kind.angles ? graph.rotate(value, positions, kind.angles.cos, kind.angles.sin) : value
    }
    if (!layer.queryNorm || !layer.keyNorm) {
      const [both, value] = graph.split(byHead, [counts[0] + counts[1], counts[2]], 1)
      const [query, key] = graph.split(rotate(both!), [counts[0], counts[1]], 1)
      return [query!, key!, value!]
    }
    const [query, key, value] = graph.split(byHead, counts, 1)
    const norm = (heads: Value, name: string, weight: Float32Array) =>
      rotate(this.#norm(heads, this.#vector(`${i}.${name}`, weight)))
    return [norm(query!, 'queryNorm', layer.queryNorm), norm(key!, 'keyNorm', layer.keyNorm), value!]
  }

  #reshape(x: Value, shape: readonly number[]): Value {
    const result = shape.map((size, axis) => (size === 0 ? x.shape[axis]! : size))
    return this.#graph.node('Reshape', [x, this.#graph.integers(shape)], [result])[0]!
  }

  #mlp(i: number, layer: DecodeLayer, x: Value): Value {
    const graph = this.#graph
    const { intermediateSize: size, activation } = this.#config
    const both = this.#linears(i, 'mlpInput', layer, x)
    const half = [OPEN, size]
    const [gate, up] = graph.split(both, [size, size], 1)
    const [active] =
      activation === 'silu'
        ? graph.node('QuickGelu', [gate!], [half], { domain: MICROSOFT, attributes: { alpha: { float: 1 } } })
        : graph.node('FastGelu', [gate!], [half], { domain: MICROSOFT })
    const [gated] = graph.node('Mul', [active!, up!], [half])
    return this.#linears(i, 'mlpOutput', layer, gated!)
  }

  #linears(i: number, group: LinearGroup, layer: DecodeLayer, x: Value): Value {
    const shapes = linearShapes(this.#config)
    const out = LINEAR_GROUPS[group].reduce((sum, name) => sum + shapes[name].outFeatures, 0)
    const product = this.#product(`${i}.${group}`, x, layer[group], out)
    return this.#segments ? this.#addAdapters(i, group, x, product, this.#segments) : product
  }

  /** Each segment's rows meet their own adapter in a batched product; rows without one get nothing. */
  #addAdapters(
    i: number,
    group: LinearGroup,
    x: Value,
    product: Value,
    segments: { order: Value; place: Value; adapted: Value },
  ): Value {
    const graph = this.#graph
    const shapes = linearShapes(this.#config)
    const names = LINEAR_GROUPS[group]
    const { inFeatures } = shapes[names[0]]
    const ranks = names.map((name) => this.#ranks![name])
    const total = ranks.reduce((sum, rank) => sum + rank, 0)
    if (total === 0) return product
    const out = product.shape.at(-1)!
    const a = graph.input(`${i}.${group}.a`, [OPEN, total, inFeatures])
    const sorted = graph.gatherRows(x, segments.order)
    const reduced = graph.matmul(sorted, a, { transposeB: true })
    const parts = graph.split(reduced, ranks, 2)
    const changes = names.map((name, part) => {
      const b = graph.input(`${i}.${name}.b`, [OPEN, ranks[part]!, shapes[name].outFeatures])
      return graph.matmul(parts[part]!, b)
    })
    const change = graph.concat(changes, 2)
    const rows = this.#reshape(change, [OPEN, out])
    const own = graph.multiply(graph.gatherRows(rows, segments.place), segments.adapted)
    return graph.node('Add', [product, own], [product.shape])[0]!
  }

  /** x·Wᵀ for a weight [out, in]. */
  #product(name: string, x: Value, matrix: DecodeMatrix, out: number): Value {
    const graph = this.#graph
    const shape = [...x.shape.slice(0, -1), out]
    const columns = x.shape.at(-1)!
    if (matrix instanceof Float32Array) {
      const weight = graph.externalConstant(`${name}.weight`, [out, columns], matrix)
      return graph.node('FusedMatMul', [x, weight], [shape], {
        domain: MICROSOFT,
        attributes: { transB: 1 },
      })[0]!
    }
    const blocks = Math.ceil(columns / BLOCK)
    const values = graph.externalConstant(
      `${name}.values`,
      [out, blocks, (BLOCK * matrix.bits) / 8],
      matrix.values,
    )
    const scales = graph.externalConstant(`${name}.scales`, [out * blocks], matrix.scales)
    const [product] = graph.node('MatMulNBits', [x, values, scales], [shape], {
      domain: MICROSOFT,
      attributes: { K: columns, N: out, bits: matrix.bits, block_size: BLOCK, accuracy_level: 4 },
    })
    return matrix.offsets ? this.#addOffsets(name, x, product!, matrix, blocks) : product!
  }

  /** Blocks that are not centred: each adds its offset times the sum of the inputs that it meets. */
  #addOffsets(name: string, x: Value, product: Value, matrix: BlockMatrix, blocks: number): Value {
    const graph = this.#graph
    const offsets = graph.externalConstant(`${name}.offsets`, [matrix.rows, blocks], matrix.offsets!)
    const sums = graph.reduce('ReduceSum', this.#reshape(x, [OPEN, blocks, BLOCK]), 2, false)
    return graph.addProduct(product, sums, offsets, { transposeB: true })
  }

  #norm(x: Value, weight: Value): Value {
    const attributes = { axis: -1, epsilon: { float: this.#config.rmsNormEps }, stash_type: 1 }
    return this.#graph.node('SimplifiedLayerNormalization', [x, weight], [x.shape], { attributes })[0]!
  }

  #postNorm(name: string, weight: Float32Array | undefined, x: Value): Value {
    return weight ? this.#norm(x, this.#vector(name, weight)) : x
  }

  #addAndNorm(residual: Value, change: Value, weight: Value): { sum: Value; normed: Value } {
    const [normed, , , sum] = this.#graph.node(
      'SkipSimplifiedLayerNormalization',
      [residual, change, weight],
      [residual.shape, null, null, residual.shape],
      { domain: MICROSOFT, attributes: { epsilon: { float: this.#config.rmsNormEps } } },
    )
    return { normed: normed!, sum: sum! }
  }

  #vector(name: string, data: Float32Array): Value {
    return this.#graph.externalConstant(name, [data.length], data)
  }

  #kinds(): AttentionKindInputs[] {
    const { attentionKinds, headDim } = this.#config
    const graph = this.#graph
    return attentionKinds.map(({ rope }, kind) => {
      const table = (name: string) => graph.input(`${name}.${kind}`, [OPEN, headDim / 2])
      return {
        past: graph.input(`past.${kind}`, [OPEN, 1, OPEN, OPEN]),
        own: graph.input(`own.${kind}`, [1, 1, OPEN, OPEN]),
        angles: rope ? { cos: table('cos'), sin: table('sin') } : null,
      }
    })
  }
}

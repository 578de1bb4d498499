// The whole decoder as one graph, for decoding only. The number of rows, the tokens of a row, the capacity of the cache
// and the width of the adapters are left open, so that one session, and so one packed copy of the weights, serves all.
import { BLOCK, type BlockMatrix } from '../decoder/block-matrix.ts'
import { LINEAR_GROUPS, type LinearGroup, type LinearName, linearShapes } from '../decoder/layer.ts'
import type { DecoderConfig } from '../formats/types.ts'
import { ABSENT, Graph, type Value } from '../graph/graph.ts'
import type { DecodeLayer, DecodeMatrix, DecodeWeights } from './decode-weights.ts'

const MICROSOFT = 'com.microsoft'
/** The attention kernel takes heads of a multiple of this. */
const HEAD_STEP = 16
/** A size that each run chooses. */
const OPEN = -1

/** Width of a head in the cache: that of few tiny models is filled up with zeros. */
export function paddedHeadDim({ headDim }: DecoderConfig): number {
  return Math.ceil(headDim / HEAD_STEP) * HEAD_STEP
}

/**
 * Inputs: x [B, S, D]; rows [R], of the B·S hidden states those whose scores are wanted; lengths [B] int32, the tokens of
 * each row after this run, less one; longest int32, the largest of them, not less one; cos.{kind} and sin.{kind}
 * [capacity, hd/2], hd as in `paddedHeadDim`; past.{layer}.{keys,values} [B, KV, capacity, hd]. Outputs: scores [R, V], natural-log probabilities;
 * present.{layer}.{keys,values}, which may be the very tensors of the past.
 *
 * With `adapters` rows are sorted into segments of one adapter each: order [A, M] says which of the B·S rows they are,
 * place [B, S] where a row is in them, adapted [B, S, 1] is 0 for a row without an adapter. {layer}.{group}.a
 * [A, rank, in] holds the A of a group's linears one below the other, {layer}.{linear}.b [A, rank, out] each B with
 * its scale.
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
    const x = graph.input('x', [OPEN, OPEN, hiddenSize])
    const rows = graph.input('rows', [OPEN], 'int64')
    const lengths = graph.input('lengths', [OPEN], 'int32')
    const longest = graph.input('longest', [], 'int32')
    const angles = this.#angles()
    if (this.#ranks) {
      this.#segments = {
        order: graph.input('order', [OPEN, OPEN], 'int64'),
        place: graph.input('place', [OPEN, OPEN], 'int64'),
        adapted: graph.input('adapted', [OPEN, OPEN, 1]),
      }
    }
    let residual = x
    let normed = this.#norm(x, this.#vector('0.attentionNorm', weights.layers[0]!.attentionNorm))
    for (const [i, layer] of weights.layers.entries()) {
      const attended = this.#attention(
        i,
        layer,
        normed,
        lengths,
        longest,
        angles[this.#config.layerKinds[i]!]!,
      )
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
    const flat = graph.node('Reshape', [normed, graph.integers([-1, hiddenSize])], [[OPEN, hiddenSize]])[0]!
    const wanted = graph.gatherRows(flat, rows)
    const logits = this.#product('head', wanted, weights.head, vocabSize)
    const attributes = { axis: -1 }
    graph.output(graph.node('LogSoftmax', [logits], [logits.shape], { attributes })[0]!, 'scores')
  }

  #attention(
    i: number,
    layer: DecodeLayer,
    x: Value,
    lengths: Value,
    longest: Value,
    angles: { cos: Value; sin: Value } | null,
  ): Value {
    const graph = this.#graph
    const { numAttentionHeads: heads, numKeyValueHeads: keyHeads, headDim, attentionScale } = this.#config
    const { window } = this.#config.attentionKinds[this.#config.layerKinds[i]!]!
    const width = (heads + 2 * keyHeads) * headDim
    let packed = this.#linears(i, 'attentionInput', layer, x)
    if (layer.attentionBias) {
      packed = graph.node(
        'Add',
        [packed, this.#vector(`${i}.attentionBias`, layer.attentionBias)],
        [[OPEN, OPEN, width]],
      )[0]!
    }
    const padded = paddedHeadDim(this.#config)
    const inputs = this.#queriesKeysValues(i, layer, packed)
    const cache = [OPEN, keyHeads, OPEN, padded]
    const past = ['keys', 'values'].map((name) => graph.input(`past.${i}.${name}`, cache))
    const [mixed, keys, values] = graph.node(
      'GroupQueryAttention',
      [...inputs, ...past, lengths, longest, ...(angles ? [angles.cos, angles.sin] : [])],
      [[OPEN, OPEN, heads * padded], cache, cache],
      {
        domain: MICROSOFT,
        attributes: {
          num_heads: heads,
          kv_num_heads: keyHeads,
          do_rotary: Number(angles !== null),
          scale: { float: attentionScale },
          ...(window === null ? {} : { local_window_size: window }),
        },
      },
    )
    graph.output(keys!, `present.${i}.keys`)
    graph.output(values!, `present.${i}.values`)
    return this.#linears(i, 'attentionOutput', layer, this.#narrow(mixed!, heads))
  }

  /** What attention reads: one packed tensor where nothing is to be done with its parts, which saves copying them. */
  #queriesKeysValues(i: number, layer: DecodeLayer, packed: Value): [Value, Value, Value] {
    const { numAttentionHeads: heads, numKeyValueHeads: keyHeads, headDim } = this.#config
    const isPadded = paddedHeadDim(this.#config) !== headDim
    if (!layer.queryNorm && !isPadded) return [packed, ABSENT, ABSENT]
    const sizes = [heads * headDim, keyHeads * headDim, keyHeads * headDim]
    let [query, key, value] = this.#graph.split(packed, sizes, 2) as [Value, Value, Value]
    if (layer.queryNorm && layer.keyNorm) {
      query = this.#headNorm(query, heads, this.#vector(`${i}.queryNorm`, layer.queryNorm))
      key = this.#headNorm(key, keyHeads, this.#vector(`${i}.keyNorm`, layer.keyNorm))
    }
    return [this.#widen(query, heads), this.#widen(key, keyHeads), this.#widen(value, keyHeads)]
  }

  /** Fills up both halves of each head with zeros to what the kernel takes. */
  #widen(x: Value, heads: number): Value {
    const { headDim } = this.#config
    const extra = (paddedHeadDim(this.#config) - headDim) / 2
    if (extra === 0) return x
    const graph = this.#graph
    const half = headDim / 2
    const halves = graph.node(
      'Reshape',
      [x, graph.integers([0, 0, heads, 2, half])],
      [[OPEN, OPEN, heads, 2, half]],
    )
    const pads = graph.integers([0, 0, 0, 0, 0, 0, 0, 0, 0, extra])
    const wide = graph.node('Pad', [halves[0]!, pads], [[OPEN, OPEN, heads, 2, half + extra]])
    return graph.node(
      'Reshape',
      [wide[0]!, graph.integers([0, 0, -1])],
      [[OPEN, OPEN, heads * (headDim + 2 * extra)]],
    )[0]!
  }

  /** Undoes `#widen`. */
  #narrow(x: Value, heads: number): Value {
    const { headDim } = this.#config
    const extra = (paddedHeadDim(this.#config) - headDim) / 2
    if (extra === 0) return x
    const graph = this.#graph
    const half = headDim / 2
    const wide = [OPEN, OPEN, heads, 2, half + extra]
    const halves = graph.node('Reshape', [x, graph.integers([0, 0, heads, 2, half + extra])], [wide])[0]!
    const [own] = graph.split(halves, [half, extra], 4)
    return graph.node('Reshape', [own!, graph.integers([0, 0, -1])], [[OPEN, OPEN, heads * headDim]])[0]!
  }

  #mlp(i: number, layer: DecodeLayer, x: Value): Value {
    const graph = this.#graph
    const { intermediateSize: size, activation } = this.#config
    const both = this.#linears(i, 'mlpInput', layer, x)
    const half = [OPEN, OPEN, size]
    const [gate, up] = graph.node('Split', [both, graph.integers([size, size])], [half, half], {
      attributes: { axis: 2 },
    })
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
    const flat = graph.node('Reshape', [x, graph.integers([-1, inFeatures])], [[OPEN, inFeatures]])[0]!
    const sorted = graph.gatherRows(flat, segments.order)
    const reduced = graph.matmul(sorted, a, { transposeB: true })
    const parts = graph.split(reduced, ranks, 2)
    const changes = names.map((name, part) => {
      const b = graph.input(`${i}.${name}.b`, [OPEN, ranks[part]!, shapes[name].outFeatures])
      return graph.matmul(parts[part]!, b)
    })
    const change = graph.concat(changes, 2)
    const rows = graph.node('Reshape', [change, graph.integers([-1, out])], [[OPEN, out]])[0]!
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
    const lead = x.shape.slice(0, -1)
    const split = graph.node(
      'Reshape',
      [x, graph.integers([...lead.map(() => 0), blocks, BLOCK])],
      [[...lead, blocks, BLOCK]],
    )[0]!
    const sums = graph.node('ReduceSum', [split, graph.integers([-1])], [[...lead, blocks]], {
      attributes: { keepdims: 0 },
    })[0]!
    const offsets = graph.externalConstant(`${name}.offsets`, [matrix.rows, blocks], matrix.offsets!)
    const extra = graph.node('FusedMatMul', [sums, offsets], [product.shape], {
      domain: MICROSOFT,
      attributes: { transB: 1 },
    })[0]!
    return graph.node('Add', [product, extra], [product.shape])[0]!
  }

  #norm(x: Value, weight: Value): Value {
    const attributes = { axis: -1, epsilon: { float: this.#config.rmsNormEps }, stash_type: 1 }
    return this.#graph.node('SimplifiedLayerNormalization', [x, weight], [x.shape], { attributes })[0]!
  }

  #postNorm(name: string, weight: Float32Array | undefined, x: Value): Value {
    return weight ? this.#norm(x, this.#vector(name, weight)) : x
  }

  #headNorm(x: Value, heads: number, weight: Value): Value {
    const graph = this.#graph
    const { headDim } = this.#config
    const apart = graph.node(
      'Reshape',
      [x, graph.integers([0, 0, heads, headDim])],
      [[OPEN, OPEN, heads, headDim]],
    )[0]!
    return graph.node('Reshape', [this.#norm(apart, weight), graph.integers([0, 0, -1])], [x.shape])[0]!
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

  #angles(): ({ cos: Value; sin: Value } | null)[] {
    const { attentionKinds } = this.#config
    return attentionKinds.map(({ rope }, kind) => {
      if (!rope) return null
      const shape = [OPEN, paddedHeadDim(this.#config) / 2]
      return { cos: this.#graph.input(`cos.${kind}`, shape), sin: this.#graph.input(`sin.${kind}`, shape) }
    })
  }
}

// The fast mode of training an adapter: one graph from the embedded tokens to all gradients. Nothing is computed twice,
// but every layer's activations stay in memory until the backward pass has used them. Where `LayerStack` and `Head`
// compute the same numbers they use the same operations on the same shapes, so both modes give the same bits.
import { Graph, type Value } from '../graph/graph.ts'
import { rmsNorm, takeRows, targetLogProbabilities } from '../graph/operations.ts'
import { emptyTensor, type Feeds, floats, tensorOver } from '../graph/session.ts'
import { SessionCache } from '../graph/session-cache.ts'
import { Tape } from '../graph/tape.ts'
import type { Batch } from './batch.ts'
import { addInto, chunksOf } from './head.ts'
import { batchAttention, decoderLayer } from './layer.ts'
import {
  angleFeeds,
  declareAngles,
  declareLayer,
  dropoutFeeds,
  gradientTensors,
  type LayerParts,
  layerFeeds,
  layerSignature,
  maskFeed,
} from './layer-inputs.ts'
import { declareMatrix, matrixFeeds, precisionOf } from './matrix.ts'
import { type Dropout, embed, type StackOptions } from './stack.ts'

/** For each layer, arrays by the name of the graph's input. */
type LayerArraysByName = readonly ReadonlyMap<string, Float32Array>[]

/** Computes log-probabilities and the gradients of an adapter in one run. */
export class WholeGraph {
  #options: StackOptions
  #sessions: SessionCache
  /** Gradients of each layer by output name, made when they are first added to others; every run writes them anew. */
  #scratch: Feeds[] | null = null

  constructor(options: StackOptions) {
    this.#options = options
    this.#sessions = new SessionCache({ threads: options.threads, keepsMemory: false, spins: true })
  }

  /**
   * Log pᵢ of the batch's supervised rows, and the gradient of Σ weightᵢ·log pᵢ by layer and input name: written to
   * `overwrites`, or added to `sums`.
   */
  async differentiate(
    batch: Batch,
    rowWeights: Float32Array,
    gradients: { overwrites: LayerArraysByName } | { sums: LayerArraysByName },
    dropout?: Dropout,
  ): Promise<Float32Array> {
    this.#options.checkpoint?.()
    const chunks = chunksOf(batch.rows.length)
    const parts = this.#parts()
    const key = [
      `${batch.batch}x${batch.length}`,
      chunks.map(({ size }) => size),
      dropout ? 'dropout' : '',
      parts.map(layerSignature).join(';'),
    ].join(':')
    const session = await this.#sessions.get(key, () => this.#graph(batch, dropout !== undefined))
    const outputs = 'overwrites' in gradients ? this.#over(gradients.overwrites) : this.#scratchTensors()
    const fetches: Feeds = Object.assign({}, ...outputs)
    for (const [i, { size }] of chunks.entries()) fetches[`logProbabilities.${i}`] = emptyTensor([size, 1])
    await session.run(this.#feeds(batch, rowWeights, dropout), fetches)
    if ('sums' in gradients) {
      for (const [layer, sums] of gradients.sums.entries()) {
        for (const [name, sum] of sums) addInto(sum, floats(fetches[`d.${layer}.${name}`]!))
      }
    }
    const scores = new Float32Array(batch.rows.length)
    for (const [i, { start, count }] of chunks.entries()) {
      scores.set(floats(fetches[`logProbabilities.${i}`]!).subarray(0, count), start)
    }
    return scores
  }

  release(): Promise<void> {
    return this.#sessions.release()
  }

  #scratchTensors(): Feeds[] {
    this.#scratch ??= this.#parts().map((part, layer) => gradientTensors(part, `d.${layer}.`))
    return this.#scratch
  }

  #over(arrays: LayerArraysByName): Feeds[] {
    return this.#parts().map((part, layer) => {
      const shapes = layerFeeds(part)
      const tensors = [...arrays[layer]!].map(([name, array]) => {
        return [`d.${layer}.${name}`, tensorOver(array, shapes[name]!.dims)] as const
      })
      return Object.fromEntries(tensors)
    })
  }

  #parts(): LayerParts[] {
    const { config, weights, lora } = this.#options
    return weights.layers.map((arrays, layer) => ({ config, arrays, lora: lora[layer]! }))
  }

  #feeds(batch: Batch, rowWeights: Float32Array, dropout: Dropout | undefined): Feeds {
    const { config, weights } = this.#options
    const { hiddenSize, vocabSize, headDim } = config
    const rows = batch.batch * batch.length
    const x = emptyTensor([rows, hiddenSize])
    embed(config, weights.embedding, batch.ids, floats(x))
    const feeds: Feeds = {
      x,
      positions: tensorOver(batch.positions, [batch.batch, batch.length]),
      finalNorm: tensorOver(weights.finalNorm, [hiddenSize]),
      ...matrixFeeds('head', weights.head, [vocabSize, hiddenSize]),
    }
    for (const kind of new Set(config.layerKinds)) {
      const prefix = `kind${kind}.`
      const attention = config.attentionKinds[kind]!
      Object.assign(feeds, angleFeeds(attention, headDim, batch.length, true, prefix))
      feeds[`${prefix}mask`] = maskFeed(attention, batch)
    }
    for (const [layer, part] of this.#parts().entries()) {
      const prefix = `${layer}.`
      Object.assign(feeds, layerFeeds(part, prefix))
      if (dropout)
        Object.assign(
          feeds,
          dropoutFeeds(part, (group) => dropout(layer, group), prefix),
        )
    }
    // Where each row's gradient lies among those of the head's rows; the row behind them is zero.
    const chunks = chunksOf(batch.rows.length)
    const places = new BigInt64Array(rows).fill(BigInt(chunks.reduce((sum, { size }) => sum + size, 0)))
    let place = 0
    for (const [i, { start, count, size }] of chunks.entries()) {
      const [chosen, targets] = [new BigInt64Array(size), new BigInt64Array(size)]
      const ofRows = new Float32Array(size)
      for (let j = 0; j < count; j++) {
        chosen[j] = BigInt(batch.rows[start + j]!)
        targets[j] = BigInt(batch.targets[start + j]!)
        ofRows[j] = rowWeights[start + j]!
        places[batch.rows[start + j]!] = BigInt(place + j)
      }
      feeds[`rows.${i}`] = tensorOver(chosen, [size])
      feeds[`targets.${i}`] = tensorOver(targets, [size])
      feeds[`weights.${i}`] = tensorOver(ofRows, [size, 1])
      place += size
    }
    feeds.places = tensorOver(places, [rows])
    return feeds
  }

  #graph(batch: Batch, withDropout: boolean): Graph {
    const { config, weights: arrays } = this.#options
    const graph = new Graph()
    const tape = new Tape(graph, { recomputes: true })
    const rows = batch.batch * batch.length
    const positions = graph.input('positions', [batch.batch, batch.length], 'int64')
    const kinds = new Map(
      [...new Set(config.layerKinds)].map((kind) => {
        const prefix = `kind${kind}.`
        const mask = graph.input(`${prefix}mask`, [batch.batch, 1, batch.length, batch.length])
        const tables = declareAngles(graph, config.headDim, positions, batch.length, true, prefix)
        return [kind, { mask, tables }] as const
      }),
    )
    const learned: [string, Value][] = []
    let x = graph.input('x', [rows, config.hiddenSize])
    for (const [layer, part] of this.#parts().entries()) {
      const { weights, updates } = declareLayer(graph, part, {
        trainable: 'adapter',
        learn: (name, input) => learned.push([`d.${layer}.${name}`, tape.require(input)]),
        prefix: `${layer}.`,
        ...(withDropout ? { dropoutRows: rows } : {}),
      })
      const { mask, tables } = kinds.get(config.layerKinds[layer]!)!
      const attention = batchAttention(tape, config, batch, tables, mask)
      x = decoderLayer(tape, config, x, weights, updates, attention)
    }
    const { vocabSize, hiddenSize } = config
    const finalNorm = graph.input('finalNorm', [hiddenSize])
    const head = declareMatrix(graph, 'head', [vocabSize, hiddenSize], precisionOf(arrays.head))
    const chunks = chunksOf(batch.rows.length).map(({ size }, i) => ({
      rows: graph.input(`rows.${i}`, [size], 'int64'),
      targets: graph.input(`targets.${i}`, [size], 'int64'),
      weights: graph.input(`weights.${i}`, [size, 1]),
    }))
    const places = graph.input('places', [rows], 'int64')
    const taken = takeRows(
      tape,
      x,
      chunks.map((chunk) => chunk.rows),
      places,
    )
    const seeds = chunks.map(({ targets, weights }, i): [Value, Value] => {
      const h = rmsNorm(tape, taken[i]!, finalNorm, config.rmsNormEps)
      const logProbabilities = targetLogProbabilities(tape, h, head, targets)
      graph.output(logProbabilities, `logProbabilities.${i}`)
      // Adding zero makes the backward pass of a part wait for its log-probabilities: else the scores of all parts would
      // be held until the end.
      return [logProbabilities, graph.add(weights, graph.multiply(logProbabilities, graph.scalar(0)))]
    })
    const gradientOf = tape.backward(seeds)
    for (const [name, input] of learned) graph.output(gradientOf(input), name)
    return graph
  }
}

// The output head: final norm, then the product with the vocabulary. Only the rows asked for are computed, in
// chunks of a few fixed sizes, because the [rows, V] scores are the largest tensors there are.
import type { Tensor } from 'onnxruntime-node'
import type { DecoderConfig } from '../formats/types.ts'
import { Graph } from '../graph/graph.ts'
import { rmsNorm, targetLogProbabilities } from '../graph/operations.ts'
import { emptyTensor, type Feeds, floats, tensorOver } from '../graph/session.ts'
import { SessionCache } from '../graph/session-cache.ts'
import { Tape } from '../graph/tape.ts'
import { declareMatrix, matrixFeeds, precisionOf } from './matrix.ts'
import type { DecoderWeights } from './weights.ts'

const CHUNK_SIZES = [1, 4, 16, 64, 256]

export interface HeadGradients {
  /** [D] */
  finalNorm: Float32Array
  /** [V, D] */
  head: Float32Array
}

/** Scores rows of hidden states against the vocabulary. */
export class Head {
  #config: DecoderConfig
  #weights: DecoderWeights
  #sessions: SessionCache

  constructor(config: DecoderConfig, weights: DecoderWeights, threads: number) {
    this.#config = config
    this.#weights = weights
    this.#sessions = new SessionCache({ threads })
  }

  /** Natural-log probability of one target per chosen row of hidden [N, D]. */
  async logProbabilities(hidden: Tensor, rows: Int32Array, targets: Int32Array): Promise<Float32Array> {
    const result = new Float32Array(rows.length)
    for (const chunk of chunksOf(rows.length)) {
      const session = await this.#sessions.get(`score:${chunk.size}`, () => this.#scoreGraph(chunk.size))
      const fetches = { logProbabilities: emptyTensor([chunk.size, 1]) }
      await session.run(this.#feeds(hidden, rows, targets, chunk), fetches)
      result.set(floats(fetches.logProbabilities).subarray(0, chunk.count), chunk.start)
    }
    return result
  }

  /**
   * Log-probabilities and the gradient of Σ weightᵢ·log pᵢ: `gradient` [N, D] is overwritten (zero outside the
   * chosen rows); gradients of the norm and the vocabulary are added up when given.
   */
  async differentiate(
    hidden: Tensor,
    rows: Int32Array,
    targets: Int32Array,
    rowWeights: Float32Array,
    gradient: Tensor,
    sums?: HeadGradients,
  ): Promise<Float32Array> {
    const width = this.#config.hiddenSize
    const result = new Float32Array(rows.length)
    floats(gradient).fill(0)
    for (const chunk of chunksOf(rows.length)) {
      const key = `differentiate:${chunk.size}`
      const session = await this.#sessions.get(key, () => this.#gradientGraph(chunk.size, sums !== undefined))
      const weights = new Float32Array(chunk.size)
      weights.set(rowWeights.subarray(chunk.start, chunk.start + chunk.count))
      const feeds = {
        ...this.#feeds(hidden, rows, targets, chunk),
        rowWeights: tensorOver(weights, [chunk.size, 1]),
      }
      const fetches: Feeds = {
        logProbabilities: emptyTensor([chunk.size, 1]),
        dx: emptyTensor([chunk.size, width]),
      }
      if (sums) {
        fetches['d.finalNorm'] = emptyTensor([width])
        fetches['d.head'] = emptyTensor([this.#config.vocabSize, width])
      }
      await session.run(feeds, fetches)
      result.set(floats(fetches.logProbabilities!).subarray(0, chunk.count), chunk.start)
      const dx = floats(fetches.dx!)
      for (let i = 0; i < chunk.count; i++) {
        floats(gradient).set(dx.subarray(i * width, (i + 1) * width), rows[chunk.start + i]! * width)
      }
      if (sums) {
        addInto(sums.finalNorm, floats(fetches['d.finalNorm']!))
        addInto(sums.head, floats(fetches['d.head']!))
      }
    }
    return result
  }

  /** Unnormalised scores over the vocabulary for the chosen rows, [rows, V]. */
  async logits(hidden: Tensor, rows: Int32Array): Promise<Float32Array> {
    const { vocabSize } = this.#config
    const result = new Float32Array(rows.length * vocabSize)
    for (const chunk of chunksOf(rows.length)) {
      const session = await this.#sessions.get(`logits:${chunk.size}`, () => this.#logitsGraph(chunk.size))
      const fetches = { logits: emptyTensor([chunk.size, vocabSize]) }
      const { targets: _, ...feeds } = this.#feeds(hidden, rows, new Int32Array(rows.length), chunk)
      await session.run(feeds, fetches)
      result.set(floats(fetches.logits).subarray(0, chunk.count * vocabSize), chunk.start * vocabSize)
    }
    return result
  }

  release(): Promise<void> {
    return this.#sessions.release()
  }

  #feeds(hidden: Tensor, rows: Int32Array, targets: Int32Array, chunk: Chunk): Feeds {
    const width = this.#config.hiddenSize
    const x = new Float32Array(chunk.size * width)
    const ids = new BigInt64Array(chunk.size)
    for (let i = 0; i < chunk.count; i++) {
      const row = rows[chunk.start + i]!
      x.set(floats(hidden).subarray(row * width, (row + 1) * width), i * width)
      ids[i] = BigInt(targets[chunk.start + i]!)
    }
    return {
      x: tensorOver(x, [chunk.size, width]),
      targets: tensorOver(ids, [chunk.size]),
      finalNorm: tensorOver(this.#weights.finalNorm, [width]),
      ...matrixFeeds('head', this.#weights.head, [this.#config.vocabSize, width]),
    }
  }

  #declare(graph: Graph, rows: number) {
    const { hiddenSize, vocabSize } = this.#config
    return {
      x: graph.input('x', [rows, hiddenSize]),
      finalNorm: graph.input('finalNorm', [hiddenSize]),
      head: declareMatrix(graph, 'head', [vocabSize, hiddenSize], precisionOf(this.#weights.head)),
    }
  }

  #scoreGraph(rows: number): Graph {
    const graph = new Graph()
    const { x, finalNorm, head } = this.#declare(graph, rows)
    const tape = new Tape(graph)
    const targets = graph.input('targets', [rows], 'int64')
    const h = rmsNorm(tape, x, finalNorm, this.#config.rmsNormEps)
    graph.output(targetLogProbabilities(tape, h, head, targets), 'logProbabilities')
    return graph
  }

  #gradientGraph(rows: number, learnsWeights: boolean): Graph {
    const graph = new Graph()
    const { x, finalNorm, head } = this.#declare(graph, rows)
    const tape = new Tape(graph)
    tape.require(x)
    if (learnsWeights) {
      tape.require(finalNorm)
      tape.require(head.input)
    }
    const targets = graph.input('targets', [rows], 'int64')
    const h = rmsNorm(tape, x, finalNorm, this.#config.rmsNormEps)
    const logProbabilities = targetLogProbabilities(tape, h, head, targets)
    graph.output(logProbabilities, 'logProbabilities')
    const gradientOf = tape.backward([[logProbabilities, graph.input('rowWeights', [rows, 1])]])
    graph.output(gradientOf(x), 'dx')
    if (learnsWeights) {
      graph.output(gradientOf(finalNorm), 'd.finalNorm')
      graph.output(gradientOf(head.input), 'd.head')
    }
    return graph
  }

  #logitsGraph(rows: number): Graph {
    const graph = new Graph()
    const { x, finalNorm, head } = this.#declare(graph, rows)
    const h = rmsNorm(new Tape(graph), x, finalNorm, this.#config.rmsNormEps)
    graph.output(graph.matmul(h, head.value(), { transposeB: true }), 'logits')
    return graph
  }
}

interface Chunk {
  start: number
  count: number
  /** Rows of the graph, at least `count`; the rest is padding. */
  size: number
}

function chunksOf(total: number): Chunk[] {
  const largest = CHUNK_SIZES.at(-1)!
  const chunks: Chunk[] = []
  for (let start = 0; start < total; start += largest) {
    const count = Math.min(largest, total - start)
    chunks.push({ start, count, size: CHUNK_SIZES.find((size) => size >= count)! })
  }
  return chunks
}

/** sum += values */
export function addInto(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!
}

// The output head: final norm, then the product with the vocabulary. Only the rows asked for are computed, in
// chunks of a few fixed sizes, because the [rows, V] scores are the largest tensors there are.
import type { Tensor } from 'onnxruntime-node'
import type { DecoderConfig } from '../formats/types.ts'
import { Graph } from '../graph/graph.ts'
import { distillation, rmsNorm, targetLogProbabilities } from '../graph/operations.ts'
import { emptyTensor, type Feeds, floats, tensorOver } from '../graph/session.ts'
import { SessionCache } from '../graph/session-cache.ts'
import { Tape } from '../graph/tape.ts'
import { declareMatrix, matrixFeeds, precisionOf } from './matrix.ts'
import type { DecoderWeights } from './weights.ts'

const CHUNK_SIZES = [1, 4, 16, 64, 128]
/** Most rows that are scored at once: the scores over the vocabulary are the largest tensors there are. */
export const LARGEST_CHUNK = 128
/** Beside a teacher there are several tensors of a chunk's scores at once. */
const LARGEST_DISTILLED = 64

export interface HeadGradients {
  /** [D] */
  finalNorm: Float32Array
  /** [V, D] */
  head: Float32Array
}

export interface Distillation {
  temperature: number
  /** Teacher's logits [count, V] for rows of the batch given by their places in `rows`: from `start` on. */
  teacherLogits(start: number, count: number): Promise<Float32Array>
}

/** What is learned from distilled rows: weights of log pᵢ and of T²·KLᵢ, and where their gradient goes, [N, D]. */
export interface DistillationWeights {
  rowWeights: Float32Array
  divergenceWeights: Float32Array
  gradient: Tensor
}

/** Scores rows of hidden states against the vocabulary. */
export class Head {
  #config: DecoderConfig
  #weights: DecoderWeights
  #sessions: SessionCache

  constructor(config: DecoderConfig, weights: DecoderWeights, threads: number) {
    this.#config = config
    this.#weights = weights
    // Scores over the vocabulary are large, and every size of chunk has a session.
    this.#sessions = new SessionCache({ threads, keepsMemory: false })
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
      const feeds = {
        ...this.#feeds(hidden, rows, targets, chunk),
        rowWeights: paddedWeights(rowWeights, chunk),
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
      scatterChunk(floats(gradient), floats(fetches.dx!), rows, chunk, width)
      if (sums) {
        addInto(sums.finalNorm, floats(fetches['d.finalNorm']!))
        addInto(sums.head, floats(fetches['d.head']!))
      }
    }
    return result
  }

  /**
   * Log-probabilities of the targets and T²·KL(teacher ‖ rows) per row. With `weights`, their gradient
   * Σ wᵢ·∂log pᵢ + vᵢ·∂(T²·KLᵢ) is written as by `differentiate`.
   */
  async distill(
    hidden: Tensor,
    rows: Int32Array,
    targets: Int32Array,
    { temperature, teacherLogits }: Distillation,
    weights?: DistillationWeights,
  ): Promise<{ logProbabilities: Float32Array; divergences: Float32Array }> {
    const { hiddenSize: width, vocabSize } = this.#config
    const result = {
      logProbabilities: new Float32Array(rows.length),
      divergences: new Float32Array(rows.length),
    }
    if (weights) floats(weights.gradient).fill(0)
    for (const chunk of chunksOf(rows.length, LARGEST_DISTILLED)) {
      const key = `distill:${chunk.size}:${temperature}:${weights ? 'learn' : ''}`
      const session = await this.#sessions.get(key, () =>
        this.#distillGraph(chunk.size, temperature, weights !== undefined),
      )
      const teacher = new Float32Array(chunk.size * vocabSize)
      teacher.set(await teacherLogits(chunk.start, chunk.count))
      const feeds: Feeds = {
        ...this.#feeds(hidden, rows, targets, chunk),
        teacher: tensorOver(teacher, [chunk.size, vocabSize]),
      }
      const fetches: Feeds = {
        logProbabilities: emptyTensor([chunk.size, 1]),
        divergences: emptyTensor([chunk.size, 1]),
      }
      if (weights) {
        feeds.rowWeights = paddedWeights(weights.rowWeights, chunk)
        feeds.divergenceWeights = paddedWeights(weights.divergenceWeights, chunk)
        fetches.dx = emptyTensor([chunk.size, width])
      }
      await session.run(feeds, fetches)
      for (const name of ['logProbabilities', 'divergences'] as const) {
        result[name].set(floats(fetches[name]!).subarray(0, chunk.count), chunk.start)
      }
      if (weights) scatterChunk(floats(weights.gradient), floats(fetches.dx!), rows, chunk, width)
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

  #distillGraph(rows: number, temperature: number, learns: boolean): Graph {
    const graph = new Graph()
    const { x, finalNorm, head } = this.#declare(graph, rows)
    const tape = new Tape(graph)
    if (learns) tape.require(x)
    const targets = graph.input('targets', [rows], 'int64')
    const teacher = graph.input('teacher', [rows, this.#config.vocabSize])
    const h = rmsNorm(tape, x, finalNorm, this.#config.rmsNormEps)
    const { logProbabilities, divergences } = distillation(tape, h, head, targets, teacher, temperature)
    graph.output(logProbabilities, 'logProbabilities')
    graph.output(divergences, 'divergences')
    if (!learns) return graph
    const gradientOf = tape.backward([
      [logProbabilities, graph.input('rowWeights', [rows, 1])],
      [divergences, graph.input('divergenceWeights', [rows, 1])],
    ])
    graph.output(gradientOf(x), 'dx')
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

function paddedWeights(weights: Float32Array, { start, count, size }: Chunk): Tensor {
  const padded = new Float32Array(size)
  padded.set(weights.subarray(start, start + count))
  return tensorOver(padded, [size, 1])
}

/** Writes the rows of a chunk's gradient to their places in the whole. */
function scatterChunk(
  gradient: Float32Array,
  dx: Float32Array,
  rows: Int32Array,
  { start, count }: Chunk,
  width: number,
): void {
  for (let i = 0; i < count; i++) {
    gradient.set(dx.subarray(i * width, (i + 1) * width), rows[start + i]! * width)
  }
}

/** The head's rows in parts of a few fixed sizes. */
export function chunksOf(total: number, largest = LARGEST_CHUNK): Chunk[] {
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

// Runs the decoder layer by layer: one small graph serves every layer, whose weights are its inputs (read in place,
// one copy for training, scoring and decoding). The backward graph recomputes a layer's forward pass from its stored
// input (Chen et al. 2016), so only the layers' inputs are kept.
import type { Tensor } from 'onnxruntime-node'
import type { AttentionKind, DecoderConfig } from '../formats/types.ts'
import { Graph, type Value } from '../graph/graph.ts'
import { emptyTensor, type Feeds, floats, tensorOver } from '../graph/session.ts'
import { SessionCache } from '../graph/session-cache.ts'
import { Tape } from '../graph/tape.ts'
import type { Batch } from './batch.ts'
import {
  batchAttention,
  decoderLayer,
  type LayerUpdates,
  type LayerWeights,
  type LinearGroup,
} from './layer.ts'
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
  type Trainable,
} from './layer-inputs.ts'
import type { LayerLora } from './lora.ts'
import type { Matrix } from './matrix.ts'
import { copyRow, type DecoderWeights } from './weights.ts'

/** Receives the gradients of one layer after its backward pass; arrays are reused, so add them up at once. */
export type LayerGradients = (layer: number, gradients: Map<string, Float32Array>) => void

/** What the updates of a group see of their input, [N, in]: 0 where it is dropped, 1/(1 − rate) elsewhere. */
export type Dropout = (layer: number, group: LinearGroup) => Float32Array

export interface StackOptions {
  config: DecoderConfig
  weights: DecoderWeights
  lora: LayerLora[]
  trainable: Trainable
  threads: number
  /** Called before every layer; throws to stop. */
  checkpoint?: () => void
}

interface Declared {
  value: Value
  weights: LayerWeights
  updates: LayerUpdates
  /** Inputs that want a gradient, by input name. */
  learned: Map<string, Value>
}

/** The layers of a decoder with their weights and, optionally, an adapter. */
export class LayerStack {
  #options: StackOptions
  #sessions: SessionCache
  #inputs: { key: string; tensors: Tensor[] } | null = null

  constructor(options: StackOptions) {
    this.#options = options
    this.#sessions = new SessionCache({ threads: options.threads })
  }

  /** Hidden states after the last layer, [batch·length, D]; every layer's input is kept for `backward`. */
  async forward(batch: Batch, dropout?: Dropout): Promise<Tensor> {
    const { config, weights } = this.#options
    const tensors = this.#layerInputs(batch)
    embed(config, weights.embedding, batch.ids, floats(tensors[0]!))
    const shared = this.#batchFeeds(batch)
    for (let layer = 0; layer < config.numHiddenLayers; layer++) {
      this.#options.checkpoint?.()
      const variant = dropout ? 'dropout' : ''
      const key = `forward:${batch.batch}x${batch.length}:${variant}:${this.#signature(layer)}`
      const session = await this.#sessions.get(key, () =>
        this.#forwardGraph(batch, layer, dropout !== undefined),
      )
      const feeds = { ...shared(layer), ...this.#layerFeeds(layer, dropout), x: tensors[layer]! }
      await session.run(feeds, { y: tensors[layer + 1]! })
    }
    return tensors[config.numHiddenLayers]!
  }

  /** Gradient [N, D] of the hidden states after the last layer → gradient of the embedded input; the newest `forward` counts. */
  async backward(
    batch: Batch,
    gradient: Tensor,
    onGradients: LayerGradients,
    dropout?: Dropout,
  ): Promise<Tensor> {
    const { config } = this.#options
    const tensors = this.#layerInputs(batch)
    const shared = this.#batchFeeds(batch, true)
    let incoming = gradient
    let outgoing = emptyTensor(gradient.dims)
    const scratch = new Map<string, Feeds>()
    for (let layer = config.numHiddenLayers - 1; layer >= 0; layer--) {
      this.#options.checkpoint?.()
      const signature = this.#signature(layer)
      const key = `backward:${batch.batch}x${batch.length}:${dropout ? 'dropout' : ''}:${signature}`
      const session = await this.#sessions.get(key, () =>
        this.#backwardGraph(batch, layer, dropout !== undefined),
      )
      const fetches = scratch.get(signature) ?? this.#gradientTensors(layer)
      scratch.set(signature, fetches)
      const own = this.#layerFeeds(layer, dropout)
      const feeds = { ...shared(layer), ...own, x: tensors[layer]!, dy: incoming }
      await session.run(feeds, { ...fetches, dx: outgoing })
      onGradients(
        layer,
        new Map(Object.entries(fetches).map(([name, tensor]) => [name.slice(2), floats(tensor)])),
      )
      ;[incoming, outgoing] = [outgoing, incoming]
    }
    return incoming
  }

  async release(): Promise<void> {
    await this.#sessions.release()
    this.#inputs = null
  }

  #layerInputs(batch: Batch): Tensor[] {
    const { config } = this.#options
    const rows = batch.batch * batch.length
    const key = `${rows}`
    if (this.#inputs?.key !== key) {
      const tensors = Array.from({ length: config.numHiddenLayers + 1 }, () =>
        emptyTensor([rows, config.hiddenSize]),
      )
      this.#inputs = { key, tensors }
    }
    return this.#inputs.tensors
  }

  /** What all layers of a batch share, by layer: layers differ in their rotation angles and in what they see. */
  #batchFeeds(batch: Batch, differentiate = false): (layer: number) => Feeds {
    const positions = tensorOver(batch.positions, [batch.batch, batch.length])
    return this.#kindFeeds(batch.length, differentiate, (kind) => {
      return { positions, mask: maskFeed(kind, batch) }
    })
  }

  #kindFeeds(
    positions: number,
    differentiate: boolean,
    feedsOf: (kind: AttentionKind) => Feeds,
  ): (layer: number) => Feeds {
    const { attentionKinds, headDim, layerKinds } = this.#options.config
    const kinds = attentionKinds.map((kind) => {
      return { ...angleFeeds(kind, headDim, positions, differentiate), ...feedsOf(kind) }
    })
    return (layer) => kinds[layerKinds[layer]!]!
  }

  #parts(layer: number): LayerParts {
    const { config, weights, lora } = this.#options
    return { config, arrays: weights.layers[layer]!, lora: lora[layer]! }
  }

  #layerFeeds(layer: number, dropout?: Dropout): Feeds {
    const parts = this.#parts(layer)
    const masks = dropout && dropoutFeeds(parts, (group) => dropout(layer, group))
    return { ...layerFeeds(parts), ...masks }
  }

  #gradientTensors(layer: number): Feeds {
    return gradientTensors(this.#parts(layer), 'd.', this.#options.trainable)
  }

  #signature(layer: number): string {
    return layerSignature(this.#parts(layer))
  }

  #declare(
    graph: Graph,
    tape: Tape,
    layer: number,
    rows: number,
    differentiate: boolean,
    withDropout = false,
  ): Declared {
    const value = graph.input('x', [rows, this.#options.config.hiddenSize])
    if (differentiate) tape.require(value)
    const learned = new Map<string, Value>()
    const trainable = differentiate ? this.#options.trainable : 'none'
    const learn = (name: string, input: Value) => learned.set(name, tape.require(input))
    const options = { trainable, learn, ...(withDropout ? { dropoutRows: rows } : {}) }
    const { weights, updates } = declareLayer(graph, this.#parts(layer), options)
    return { value, weights, updates, learned }
  }

  #batchLayer(tape: Tape, batch: Batch, declared: Declared): Value {
    const { config } = this.#options
    const { graph } = tape
    const positions = graph.input('positions', [batch.batch, batch.length], 'int64')
    const mask = graph.input('mask', [batch.batch, 1, batch.length, batch.length])
    const differentiate = tape.requires(declared.value)
    const tables = declareAngles(graph, config.headDim, positions, batch.length, differentiate)
    const attention = batchAttention(tape, config, batch, tables, mask)
    return decoderLayer(tape, config, declared.value, declared.weights, declared.updates, attention)
  }

  #forwardGraph(batch: Batch, layer: number, withDropout: boolean): Graph {
    const graph = new Graph()
    const tape = new Tape(graph)
    const declared = this.#declare(graph, tape, layer, batch.batch * batch.length, false, withDropout)
    graph.output(this.#batchLayer(tape, batch, declared), 'y')
    return graph
  }

  #backwardGraph(batch: Batch, layer: number, withDropout: boolean): Graph {
    const graph = new Graph()
    const tape = new Tape(graph)
    const rows = batch.batch * batch.length
    const declared = this.#declare(graph, tape, layer, rows, true, withDropout)
    const y = this.#batchLayer(tape, batch, declared)
    const gradientOf = tape.backward([[y, graph.input('dy', [rows, this.#options.config.hiddenSize])]])
    graph.output(gradientOf(declared.value), 'dx')
    for (const [name, input] of declared.learned) graph.output(gradientOf(input), `d.${name}`)
    return graph
  }
}

/** Copies the embedding rows [V, D] of the tokens into x [N, D]. */
export function embed(config: DecoderConfig, embedding: Matrix, ids: Int32Array, x: Float32Array): void {
  const { hiddenSize, embeddingScale } = config
  for (const [i, id] of ids.entries()) copyRow(embedding, id, hiddenSize, embeddingScale, x, i * hiddenSize)
}

import { InferenceSession } from 'onnxruntime-node'
import { EngineError } from '../errors.ts'
import { tensorOver } from '../graph/session.ts'
import type { EncoderFolder, Pooling } from './encoder-folder.ts'
import { EncoderTokenizer } from './encoder-tokenizer.ts'

/** Vectors of length 1, one after another. */
export interface Embeddings {
  dimension: number
  vectors: Float32Array
  /** Texts of which the model read only the beginning. */
  truncated: number
}

/** Tokens of a batch, padding counted: what bounds its working memory. */
const BATCH_TOKENS = 4096
/** A batch of more texts gains nothing on a processor. */
const BATCH_TEXTS = 64
/** The output that holds a vector per token, under the names that exporters give it. */
const TOKEN_OUTPUTS = ['last_hidden_state', 'token_embeddings']
const TEXT_OUTPUT = 'sentence_embedding'
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids']

/** A sentence encoder ready to run. The runtime blocks the event loop meanwhile: only for processes that do nothing else. */
export class SentenceEncoder {
  readonly #session: InferenceSession
  readonly #tokenizer: EncoderTokenizer
  readonly #pooling: Pooling
  readonly #output: string
  readonly #integers: 'int64' | 'int32'

  private constructor(folder: EncoderFolder, session: InferenceSession, tokenizer: EncoderTokenizer) {
    this.#session = session
    this.#tokenizer = tokenizer
    this.#pooling = folder.pooling
    this.#output = chooseOutput(session, folder.path)
    this.#integers = checkInputs(session, folder.path)
  }

  /** Throws `invalid-file` for a file that the runtime does not take, `incompatible` for other inputs than an encoder's. */
  static async open(folder: EncoderFolder, threads: number): Promise<SentenceEncoder> {
    const tokenizer = new EncoderTokenizer(folder.tokenizer, folder.tokenizerConfig, folder.maximumTokens)
    let session: InferenceSession
    try {
      session = await InferenceSession.create(folder.model, {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        graphOptimizationLevel: 'all',
        // Batches differ in length: memory planned for one shape is of no use to the next.
        enableMemPattern: false,
        // Threads that wait in a loop take the processor from whoever else works here.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      })
    } catch (cause) {
      throw new EngineError('invalid-file', `${folder.model} cannot be opened: ${(cause as Error).message}`, {
        hint: 'The file must be a whole ONNX model; weights kept beside it must lie in the same folder.',
        cause,
      })
    }
    return new SentenceEncoder(folder, session, tokenizer)
  }

  /** Embeds texts in batches of like length; the order of the vectors is that of the texts. */
  async embed(texts: readonly string[], onProgress?: (done: number) => void): Promise<Embeddings> {
    const encoded = texts.map((text) => this.#tokenizer.encode(text))
    const order = encoded.map((_, at) => at).sort((a, b) => encoded[a]!.ids.length - encoded[b]!.ids.length)
    let dimension = 0
    let vectors = new Float32Array(0)
    let done = 0
    for (const batch of batchesOf(order, (at) => encoded[at]!.ids.length)) {
      const rows = await this.#run(batch.map((at) => encoded[at]!.ids))
      if (dimension === 0) {
        dimension = rows[0]!.length
        vectors = new Float32Array(texts.length * dimension)
      }
      for (const [row, at] of batch.entries()) vectors.set(normalize(rows[row]!), at * dimension)
      done += batch.length
      onProgress?.(done)
    }
    return { dimension, vectors, truncated: encoded.filter(({ truncated }) => truncated).length }
  }

  /** Vectors of a batch [B, T], pooled. */
  async #run(batch: readonly number[][]): Promise<Float32Array[]> {
    const length = Math.max(...batch.map((ids) => ids.length))
    const shape = [batch.length, length]
    const make = (value: (ids: number[], at: number) => number) => {
      const values = batch.flatMap((ids) => Array.from({ length }, (_, at) => value(ids, at)))
      return this.#integers === 'int64' ? BigInt64Array.from(values, BigInt) : Int32Array.from(values)
    }
    const values: Record<string, () => BigInt64Array | Int32Array> = {
      input_ids: () => make((ids, at) => ids[at] ?? 0),
      attention_mask: () => make((ids, at) => (at < ids.length ? 1 : 0)),
      token_type_ids: () => make(() => 0),
    }
    const feeds = Object.fromEntries(
      this.#session.inputNames.map((name) => [name, tensorOver(values[name]!() as BigInt64Array, shape)]),
    )
    const outputs = await this.#session.run(feeds, [this.#output])
    const { data, dims } = outputs[this.#output]!
    if (!(data instanceof Float32Array)) {
      throw new EngineError('incompatible', `The encoder's output ${this.#output} is not in 32-bit floats`, {
        hint: 'Export the model with outputs in 32-bit floats.',
      })
    }
    const dimension = dims.at(-1)!
    if (dims.length === 2) {
      return batch.map((_, row) => data.slice(row * dimension, (row + 1) * dimension))
    }
    return batch.map((ids, row) => {
      const tokens = data.subarray(row * length * dimension, (row + 1) * length * dimension)
      return this.#pooling === 'cls' ? tokens.slice(0, dimension) : meanOf(tokens, ids.length, dimension)
    })
  }
}

function* batchesOf(order: readonly number[], lengthOf: (at: number) => number): Generator<number[]> {
  let batch: number[] = []
  for (const at of order) {
    // Lengths ascend: the newest is the longest, to which all are padded.
    const tokens = (batch.length + 1) * lengthOf(at)
    if (batch.length > 0 && (batch.length === BATCH_TEXTS || tokens > BATCH_TOKENS)) {
      yield batch
      batch = []
    }
    batch.push(at)
  }
  if (batch.length > 0) yield batch
}

/** Mean of the first `count` of the token vectors. */
function meanOf(tokens: Float32Array, count: number, dimension: number): Float32Array {
  const mean = new Float32Array(dimension)
  for (let token = 0; token < count; token++)
    for (let at = 0; at < dimension; at++) mean[at]! += tokens[token * dimension + at]!
  for (let at = 0; at < dimension; at++) mean[at]! /= count
  return mean
}

function normalize(vector: Float32Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  const norm = Math.sqrt(squares)
  if (norm > 0) for (let at = 0; at < vector.length; at++) vector[at]! /= norm
  return vector
}

function chooseOutput({ outputNames }: InferenceSession, path: string): string {
  const known = [...TOKEN_OUTPUTS, TEXT_OUTPUT].find((name) => outputNames.includes(name))
  if (known) return known
  if (outputNames.length === 1) return outputNames[0]!
  throw new EngineError('incompatible', `The encoder ${path} has the outputs ${outputNames.join(', ')}`, {
    hint: `One of them must be called ${TOKEN_OUTPUTS.join(', ')} or ${TEXT_OUTPUT}.`,
  })
}

function checkInputs({ inputNames, inputMetadata }: InferenceSession, path: string): 'int64' | 'int32' {
  const unknown = inputNames.find((name) => !INPUTS.includes(name))
  if (unknown !== undefined || !inputNames.includes('input_ids')) {
    throw new EngineError('incompatible', `The encoder ${path} takes ${inputNames.join(', ')}`, {
      hint: `An encoder of texts takes input_ids, and besides only ${INPUTS.slice(1).join(' and ')}.`,
    })
  }
  const types = new Set(inputMetadata.map((input) => (input.isTensor ? input.type : 'none')))
  const [only] = types
  if (types.size === 1 && (only === 'int64' || only === 'int32')) return only
  throw new EngineError('incompatible', `The encoder ${path} takes ${[...types].join(' and ')}`, {
    hint: 'Its inputs must all be int64 or all int32.',
  })
}

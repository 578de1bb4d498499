import { InferenceSession, Tensor } from 'onnxruntime-node'
import { elements, type Graph } from './graph.ts'

export interface SessionOptions {
  /** Threads of one operator; with fixed settings results have the same bits for 1 and 2 threads. */
  threads: number
  /**
   * Whether working memory is kept between runs (as a rule) or given back: a graph that is large and rarely run should
   * not hold it.
   */
  keepsMemory?: boolean
  /**
   * Whether threads wait for the next operator in a loop: a tenth quicker where one run is long, slower where several
   * sessions take turns, because each has threads of its own.
   */
  spins?: boolean
}

export type Feeds = Record<string, Tensor>

/**
 * A graph ready to run: inputs are read in place, outputs are written into preallocated tensors. The runtime's binding
 * makes another copy of each output nevertheless, so outputs should be small.
 */
export interface Session {
  run(feeds: Feeds, fetches: Feeds): Promise<void>
  release(): Promise<void>
}

/**
 * Compiles a graph with the settings on which bit-equal results rest: no graph rewriting (it undoes recomputation
 * and buys nothing measurable), no weight prepacking (it changes bits and doubles memory).
 */
export async function openSession(graph: Graph, options: SessionOptions): Promise<Session> {
  const session = await InferenceSession.create(graph.encode(), {
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    enableCpuMemArena: options.keepsMemory ?? true,
    extra: {
      session: { disable_prepacking: '1', intra_op: { allow_spinning: options.spins ? '1' : '0' } },
    },
  })
  return {
    async run(feeds, fetches) {
      await session.run(feeds, fetches)
    },
    release: () => session.release(),
  }
}

/**
 * Compiles a graph for decoding: weights are packed for the kernels, which is quicker and changes bits. The packed copy
 * is the session's own: the graph and its external constants may be dropped afterwards.
 */
export async function openDecodingSession(graph: Graph, options: SessionOptions): Promise<Session> {
  const session = await InferenceSession.create(graph.encode(), {
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'basic',
    enableMemPattern: false,
    enableCpuMemArena: options.keepsMemory ?? true,
    externalData: [...graph.external].map(([path, data]) => ({ path, data })),
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  })
  return {
    async run(feeds, fetches) {
      await session.run(feeds, fetches)
    },
    release: () => session.release(),
  }
}

/** A tensor over an existing array, without a copy; Uint16Array holds the bits of 16-bit floats. */
export function tensorOver(
  data: Float32Array | Uint16Array | Int8Array | Int32Array | BigInt64Array,
  shape: readonly number[],
): Tensor {
  if (data instanceof Float32Array) return new Tensor('float32', data, [...shape])
  if (data instanceof Uint16Array) return halfTensor(data, shape)
  if (data instanceof Int32Array) return new Tensor('int32', data, [...shape])
  if (data instanceof Int8Array) return new Tensor('int8', data, [...shape])
  return new Tensor('int64', data, [...shape])
}

/** The runtime's binding cannot read JavaScript's Float16Array, in which its Tensor wraps the bits, so it gets them. */
function halfTensor(bits: Uint16Array, shape: readonly number[]): Tensor {
  const tensor = new Tensor('float16', bits, [...shape])
  return Object.defineProperty(tensor, 'data', { value: bits })
}

/** A zeroed tensor. */
export function emptyTensor(shape: readonly number[], type: 'float32' | 'int64' = 'float32'): Tensor {
  const size = elements(shape)
  return tensorOver(type === 'float32' ? new Float32Array(size) : new BigInt64Array(size), shape)
}

export function floats(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array
}

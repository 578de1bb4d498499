// Builds ONNX models (onnx/onnx.proto3, IR version 10, opset 21) with static shapes.
import { Message } from './wire.ts'

export type ElementType = 'float32' | 'float16' | 'int8' | 'uint8' | 'int32' | 'int64'

/** A tensor of the graph: its name, shape and element type. A negative size is one that each run may choose. */
export interface Value {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: ElementType
}

/** Stands for an optional input that a node does without. */
export const ABSENT: Value = { name: '', shape: [], type: 'float32' }

type Attribute = number | string | readonly number[] | { float: number }

interface NodeOptions {
  attributes?: Record<string, Attribute>
  domain?: string
  types?: ElementType[]
  /** Names of the outputs; else fresh ones. */
  names?: string[]
}

interface NodeRecord {
  inputs: string[]
  outputs: string[]
  rest: (message: Message) => void
}

const IR_VERSION = 10
const OPSET = 21
const CONTRIB_DOMAIN = 'com.microsoft'
const ELEMENT_TYPES: Record<ElementType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  float16: 10,
}
const EXTERNAL = 1
const ATTRIBUTE_TYPES = { float: 1, integer: 2, text: 3, integers: 7 }

/** Collects nodes, constants, inputs and outputs, and encodes them as an ONNX model. */
export class Graph {
  #nodes: NodeRecord[] = []
  /** Names of values that nodes make, and the names of those that are handed out. */
  #computed = new Set<string>()
  #names = new Map<string, string>()
  #constants: Message[] = []
  #inputs: Message[] = []
  #outputs: Message[] = []
  #constantCache = new Map<string, Value>()
  #external = new Map<string, Uint8Array>()
  #counter = 0

  input(name: string, shape: readonly number[], type: ElementType = 'float32'): Value {
    const value = { name, shape, type }
    this.#inputs.push(describe(value))
    return value
  }

  /** Hands a value out under a name: the node that makes it writes there, so nothing is copied. */
  output(value: Value, name: string): void {
    this.#outputs.push(describe({ ...value, name }))
    if (this.#computed.has(value.name) && !this.#names.has(value.name)) this.#names.set(value.name, name)
    else this.node('Identity', [value], [value.shape], { types: [value.type], names: [name] })
  }

  constant(shape: readonly number[], data: Float32Array | BigInt64Array): Value {
    const type: ElementType = data instanceof Float32Array ? 'float32' : 'int64'
    const value = { name: this.#fresh('constant'), shape, type }
    const tensor = new Message()
    for (const size of shape) tensor.integer(1, size)
    tensor.integer(2, ELEMENT_TYPES[type]).text(8, value.name)
    tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    this.#constants.push(tensor)
    return value
  }

  /** A constant that the encoded model only refers to: sessions read it from `external`, so it may exceed 2 GB. */
  externalConstant(name: string, shape: readonly number[], data: Float32Array | Uint8Array): Value {
    const type: ElementType = data instanceof Float32Array ? 'float32' : 'uint8'
    const tensor = new Message()
    for (const size of shape) tensor.integer(1, size)
    tensor.integer(2, ELEMENT_TYPES[type]).text(8, name)
    for (const [key, value] of [
      ['location', name],
      ['offset', '0'],
      ['length', `${data.byteLength}`],
    ] as const) {
      tensor.message(13, new Message().text(1, key).text(2, value))
    }
    this.#constants.push(tensor.integer(14, EXTERNAL))
    this.#external.set(name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    return { name, shape, type }
  }

  /** Bytes of the external constants by name. */
  get external(): ReadonlyMap<string, Uint8Array> {
    return this.#external
  }

  scalar(value: number): Value {
    return this.#cached(`float:${value}`, () => this.constant([], Float32Array.of(value)))
  }

  integers(values: readonly number[]): Value {
    return this.#cached(`integers:${values}`, () =>
      this.constant([values.length], BigInt64Array.from(values, BigInt)),
    )
  }

  /** Adds a node; `shapes` are those of its outputs, null for an optional one that is not wanted. */
  node(
    operator: string,
    inputs: readonly Value[],
    shapes: readonly (readonly number[] | null)[],
    options: NodeOptions = {},
  ): Value[] {
    const { attributes = {}, domain, types, names } = options
    const outputs = shapes.map((shape, i) => {
      if (!shape) return ABSENT
      return { name: names?.[i] ?? this.#fresh(operator), shape, type: types?.[i] ?? ('float32' as const) }
    })
    for (const { name } of outputs) this.#computed.add(name)
    this.#nodes.push({
      inputs: inputs.map(({ name }) => name),
      outputs: outputs.map(({ name }) => name),
      rest(message) {
        message.text(4, operator)
        for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value))
        if (domain) message.text(7, domain)
      },
    })
    return outputs
  }

  /** Matrix product of the last two axes; equal batch axes. `alpha` scales the product. */
  matmul(
    a: Value,
    b: Value,
    options: { transposeA?: boolean; transposeB?: boolean; alpha?: number } = {},
  ): Value {
    const { transposeA = false, transposeB = false, alpha = 1 } = options
    const rows = a.shape.at(transposeA ? -1 : -2)!
    const columns = b.shape.at(transposeB ? -2 : -1)!
    const inner = a.shape.at(transposeA ? -2 : -1)
    if (inner !== b.shape.at(transposeB ? -1 : -2)) {
      throw new Error(`cannot multiply [${a.shape}] by [${b.shape}]`)
    }
    const shape = [...a.shape.slice(0, -2), rows, columns]
    if (!transposeA && !transposeB && alpha === 1) return this.node('MatMul', [a, b], [shape])[0]!
    return this.node('FusedMatMul', [a, b], [shape], {
      domain: CONTRIB_DOMAIN,
      attributes: { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } },
    })[0]!
  }

  /**
   * alpha·a·b + c for matrices: c [M, N] or [N] is added while the product is made, without a pass of its own.
   */
  addProduct(
    c: Value,
    a: Value,
    b: Value,
    options: { transposeA?: boolean; transposeB?: boolean; alpha?: number } = {},
  ): Value {
    const { transposeA = false, transposeB = false, alpha = 1 } = options
    const shape = [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!]
    return this.node('Gemm', [a, b, c], [shape], {
      attributes: { transA: Number(transposeA), transB: Number(transposeB), alpha: { float: alpha } },
    })[0]!
  }

  /** x · weight / √(mean x² + epsilon) over the last axis, and the factor 1/√(…) [..., 1]. */
  rootMeanSquareNorm(x: Value, weight: Value, epsilon: number): { result: Value; inverse: Value } {
    const [result, inverse] = this.node(
      'SimplifiedLayerNormalization',
      [x, weight],
      [x.shape, [...x.shape.slice(0, -1), 1]],
      { attributes: { axis: -1, epsilon: { float: epsilon } } },
    )
    return { result: result!, inverse: inverse! }
  }

  /** x · sigmoid(x) in one pass. */
  silu(x: Value): Value {
    return this.node('QuickGelu', [x], [x.shape], {
      domain: CONTRIB_DOMAIN,
      attributes: { alpha: { float: 1 } },
    })[0]!
  }

  add = (a: Value, b: Value): Value => this.#elementwise('Add', a, b)
  subtract = (a: Value, b: Value): Value => this.#elementwise('Sub', a, b)
  multiply = (a: Value, b: Value): Value => this.#elementwise('Mul', a, b)
  divide = (a: Value, b: Value): Value => this.#elementwise('Div', a, b)

  /** Element-wise function of one tensor, for example 'Exp' or 'Sigmoid'. */
  apply(operator: 'Exp' | 'Log' | 'Sqrt' | 'Reciprocal' | 'Sigmoid' | 'Tanh' | 'Neg', a: Value): Value {
    return this.node(operator, [a], [a.shape])[0]!
  }

  /** Reduces one axis to length 1 (kept), or drops it. */
  reduce(operator: 'ReduceSum' | 'ReduceMean' | 'ReduceMax', a: Value, axis: number, keep = true): Value {
    const at = axis < 0 ? a.shape.length + axis : axis
    const shape = keep ? a.shape.map((size, i) => (i === at ? 1 : size)) : a.shape.filter((_, i) => i !== at)
    const attributes = { keepdims: Number(keep) }
    return this.node(operator, [a, this.integers([at])], [shape], { attributes })[0]!
  }

  softmax(a: Value): Value {
    return this.node('Softmax', [a], [a.shape], { attributes: { axis: -1 } })[0]!
  }

  reshape(a: Value, shape: readonly number[]): Value {
    if (elements(a.shape) !== elements(shape)) throw new Error(`cannot reshape [${a.shape}] to [${shape}]`)
    return this.node('Reshape', [a, this.integers(shape)], [shape], { types: [a.type] })[0]!
  }

  transpose(a: Value, permutation: readonly number[]): Value {
    const shape = permutation.map((axis) => a.shape[axis]!)
    return this.node('Transpose', [a], [shape], { attributes: { perm: permutation } })[0]!
  }

  /** Splits along an axis into parts of the given sizes. */
  split(a: Value, sizes: readonly number[], axis: number): Value[] {
    if (sizes.length === 1) return [a]
    const at = axis < 0 ? a.shape.length + axis : axis
    const shapes = sizes.map((size) => a.shape.map((whole, i) => (i === at ? size : whole)))
    return this.node('Split', [a, this.integers(sizes)], shapes, { attributes: { axis: at } })
  }

  concat(parts: readonly Value[], axis: number): Value {
    if (parts.length === 1) return parts[0]!
    const first = parts[0]!
    const at = axis < 0 ? first.shape.length + axis : axis
    const total = parts.reduce((sum, part) => sum + part.shape[at]!, 0)
    const shape = first.shape.map((size, i) => (i === at ? total : size))
    return this.node('Concat', parts, [shape], { attributes: { axis: at } })[0]!
  }

  /** The same numbers in 32-bit floats. */
  toFloats(a: Value): Value {
    return this.node('Cast', [a], [a.shape], { attributes: { to: ELEMENT_TYPES.float32 } })[0]!
  }

  /** Integers times the scale of their row: a [R, C], scales [R]. */
  dequantizeRows(a: Value, scales: Value): Value {
    return this.node('DequantizeLinear', [a, scales], [a.shape], { attributes: { axis: 0 } })[0]!
  }

  /** Rows of a matrix: a [V, D], indices [N] → [N, D]. */
  gatherRows(a: Value, indices: Value): Value {
    return this.node('Gather', [a, indices], [[...indices.shape, ...a.shape.slice(1)]], {
      attributes: { axis: 0 },
    })[0]!
  }

  /** One element of each row: a [N, V], indices [N, 1] → [N, 1]. */
  gatherElements(a: Value, indices: Value): Value {
    return this.node('GatherElements', [a, indices], [indices.shape], { attributes: { axis: 1 } })[0]!
  }

  /** Adds one update to one element of each row: a [N, V], indices and updates [N, 1]. */
  scatterAdd(a: Value, indices: Value, updates: Value): Value {
    const attributes = { axis: 1, reduction: 'add' }
    return this.node('ScatterElements', [a, indices, updates], [a.shape], { attributes })[0]!
  }

  /** Rotary position embedding of x [B, H, T, headDim] in two halves; positions [B, T], cos and sin [P, headDim/2]. */
  rotate(x: Value, positions: Value, cos: Value, sin: Value): Value {
    return this.node('RotaryEmbedding', [x, positions, cos, sin], [x.shape], { domain: CONTRIB_DOMAIN })[0]!
  }

  encode(): Uint8Array {
    const graph = new Message()
    const named = (name: string) => this.#names.get(name) ?? name
    for (const { inputs, outputs, rest } of this.#nodes.toReversed()) {
      const node = new Message()
      for (const input of inputs) node.text(1, named(input))
      for (const output of outputs) node.text(2, named(output))
      rest(node)
      graph.message(1, node)
    }
    graph.text(2, 'regraft')
    for (const constant of this.#constants) graph.message(5, constant)
    for (const input of this.#inputs) graph.message(11, input)
    for (const output of this.#outputs) graph.message(12, output)
    return new Message()
      .integer(1, IR_VERSION)
      .message(7, graph)
      .message(8, new Message().text(1, '').integer(2, OPSET))
      .message(8, new Message().text(1, CONTRIB_DOMAIN).integer(2, 1))
      .encode()
  }

  #elementwise(operator: string, a: Value, b: Value): Value {
    return this.node(operator, [a, b], [broadcast(a.shape, b.shape)])[0]!
  }

  #cached(key: string, make: () => Value): Value {
    const known = this.#constantCache.get(key)
    if (known) return known
    const value = make()
    this.#constantCache.set(key, value)
    return value
  }

  #fresh(prefix: string): string {
    return `${prefix}_${this.#counter++}`
  }
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const left = a[a.length - rank + i] ?? 1
    const right = b[b.length - rank + i] ?? 1
    if (left !== right && left !== 1 && right !== 1) throw new Error(`cannot broadcast [${a}] with [${b}]`)
    return Math.max(left, right)
  })
}

function describe(value: Value): Message {
  const shape = new Message()
  for (const [axis, size] of value.shape.entries()) {
    const dimension = new Message()
    shape.message(1, size < 0 ? dimension.text(2, `${value.name}.${axis}`) : dimension.integer(1, size))
  }
  const tensor = new Message().integer(1, ELEMENT_TYPES[value.type]).message(2, shape)
  return new Message().text(1, value.name).message(2, new Message().message(1, tensor))
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name)
  if (typeof value === 'number') return message.integer(3, value).integer(20, ATTRIBUTE_TYPES.integer)
  if (typeof value === 'string') return message.text(4, value).integer(20, ATTRIBUTE_TYPES.text)
  if ('float' in value) return message.float(2, value.float).integer(20, ATTRIBUTE_TYPES.float)
  for (const item of value) message.integer(8, item)
  return message.integer(20, ATTRIBUTE_TYPES.integers)
}

// Weights that are read and not learned may be kept in fewer bits; graphs expand them where they are used.
import { floatsToHalves } from '../formats/half-precision.ts'
import type { Graph } from '../graph/graph.ts'
import type { Weight } from '../graph/operations.ts'
import { type Feeds, tensorOver } from '../graph/session.ts'

/** How weights are kept in memory: 32-bit floats, 16-bit floats, or 8-bit integers with a scale per row. */
export type WeightPrecision = 'f32' | 'f16' | 'int8'

/** A weight [rows, columns], row-major. */
export type Matrix =
  | Float32Array
  /** Bits of 16-bit floats. */
  | Uint16Array
  | { values: Int8Array /** [rows] */; scales: Float32Array }

export function precisionOf(matrix: Matrix): WeightPrecision {
  if (matrix instanceof Float32Array) return 'f32'
  return matrix instanceof Uint16Array ? 'f16' : 'int8'
}

/**
 * Keeps a weight [rows, columns] in the given precision. int8 is symmetric and per row: the largest magnitude of a row
 * becomes 127 (Dettmers et al. 2022, LLM.int8(), without its outlier columns).
 */
export function toPrecision(weight: Float32Array, rows: number, precision: WeightPrecision): Matrix {
  if (precision === 'f32') return weight
  if (precision === 'f16') return floatsToHalves(weight)
  const columns = weight.length / rows
  const values = new Int8Array(weight.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const start = row * columns
    let largest = 0
    for (let i = start; i < start + columns; i++) largest = Math.max(largest, Math.abs(weight[i]!))
    const scale = Math.fround(largest / 127) || 1
    scales[row] = scale
    for (let i = start; i < start + columns; i++) values[i] = Math.round(weight[i]! / scale)
  }
  return { values, scales }
}

/** Rows `start` to `start + rows` of a matrix with `columns` columns, without a copy. */
export function matrixRows(matrix: Matrix, start: number, rows: number, columns: number): Matrix {
  const [from, to] = [start * columns, (start + rows) * columns]
  if (matrix instanceof Float32Array) return matrix.subarray(from, to)
  if (matrix instanceof Uint16Array) return matrix.subarray(from, to)
  return { values: matrix.values.subarray(from, to), scales: matrix.scales.subarray(start, start + rows) }
}

/** Declares a weight's inputs in a graph; `name` is the input that `matrixFeeds` fills. */
export function declareMatrix(
  graph: Graph,
  name: string,
  shape: readonly number[],
  precision: WeightPrecision,
): Weight {
  if (precision === 'f32') {
    const input = graph.input(name, shape)
    return { input, value: () => input }
  }
  if (precision === 'f16') {
    const input = graph.input(name, shape, 'float16')
    return { input, value: () => graph.toFloats(input) }
  }
  const input = graph.input(name, shape, 'int8')
  const scales = graph.input(`${name}.scales`, [shape[0]!])
  return { input, value: () => graph.dequantizeRows(input, scales) }
}

/** The tensors for the inputs that `declareMatrix` declared. */
export function matrixFeeds(name: string, matrix: Matrix, shape: readonly number[]): Feeds {
  if (matrix instanceof Float32Array || matrix instanceof Uint16Array) {
    return { [name]: tensorOver(matrix, shape) }
  }
  return {
    [name]: tensorOver(matrix.values, shape),
    [`${name}.scales`]: tensorOver(matrix.scales, [shape[0]!]),
  }
}

/** Bytes that a matrix takes. */
export function matrixBytes(matrix: Matrix): number {
  if (matrix instanceof Float32Array || matrix instanceof Uint16Array) return matrix.byteLength
  return matrix.values.byteLength + matrix.scales.byteLength
}

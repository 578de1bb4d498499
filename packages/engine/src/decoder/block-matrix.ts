// Weights in blocks of 32 values with a common scale, laid out for ONNX Runtime's MatMulNBits: row-major, the blocks
// of a row one after another; of two 4-bit values the even one is in the low half of its byte.
import { halfToFloat } from '../formats/half-precision.ts'
import type { QuantisedRows } from '../formats/types.ts'

export const BLOCK = 32

/** A weight [rows, columns] of value scale · (q − zero) + offset, where zero is 8 for 4 bits and 128 for 8. */
export interface BlockMatrix {
  bits: 4 | 8
  rows: number
  columns: number
  /** [rows, blocks, 32 · bits / 8] */
  values: Uint8Array
  /** [rows, blocks] */
  scales: Float32Array
  /** [rows, blocks], where blocks are not centred (Q4_1). */
  offsets: Float32Array | null
}

const ZERO = { 4: 8, 8: 128 } as const

/**
 * Rounds a weight [rows, columns] to 4 or 8 bits: symmetric, per block of 32; the value of the largest magnitude of a
 * block keeps its sign and becomes −8 (as ggml's Q4_0) or ±127 (Q8_0).
 */
export function quantiseBlocks(weight: Float32Array, rows: number, bits: 4 | 8): BlockMatrix {
  const columns = weight.length / rows
  const matrix = emptyMatrix(rows, columns, bits)
  const blocks = Math.ceil(columns / BLOCK)
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * columns + block * BLOCK
      const end = Math.min(start + BLOCK, (row + 1) * columns)
      let extreme = 0
      for (let i = start; i < end; i++) if (Math.abs(weight[i]!) > Math.abs(extreme)) extreme = weight[i]!
      const scale = Math.fround(bits === 4 ? extreme / -8 : Math.abs(extreme) / 127)
      const at = row * blocks + block
      matrix.scales[at] = scale
      for (let i = start; i < end; i++) {
        const rounded = scale === 0 ? 0 : Math.round(weight[i]! / scale)
        const limit = bits === 4 ? Math.min(7, Math.max(-8, rounded)) : rounded
        put(matrix, at, i - start, limit + ZERO[bits])
      }
      // Columns that fill up the last block count as zero.
      for (let i = end - start; i < BLOCK; i++) put(matrix, at, i, ZERO[bits])
    }
  }
  return matrix
}

/** The same numbers as ggml's blocks of Q4_0, Q4_1 or Q8_0. */
export function fromGgmlBlocks({ type, bytes, shape }: QuantisedRows): BlockMatrix {
  const [rows, columns] = shape as [number, number]
  const matrix = emptyMatrix(rows, columns, type === 'Q8_0' ? 8 : 4)
  const offsets = type === 'Q4_1' ? new Float32Array(matrix.scales.length) : null
  const half = (at: number) => halfToFloat(bytes[at]! | (bytes[at + 1]! << 8))
  const head = type === 'Q4_1' ? 4 : 2
  const stride = head + (matrix.bits * BLOCK) / 8
  for (let block = 0, at = 0; block < matrix.scales.length; block++, at += stride) {
    const scale = half(at)
    matrix.scales[block] = scale
    if (offsets) offsets[block] = half(at + 2) + scale * ZERO[4]
    if (matrix.bits === 8) {
      for (let i = 0; i < BLOCK; i++) matrix.values[block * BLOCK + i] = bytes[at + head + i]! ^ 128
    } else {
      // ggml's byte j holds values j and j + 16.
      const target = block * (BLOCK / 2)
      for (let j = 0; j < 8; j++) {
        const [even, odd] = [bytes[at + head + 2 * j]!, bytes[at + head + 2 * j + 1]!]
        matrix.values[target + j] = (even & 15) | ((odd & 15) << 4)
        matrix.values[target + 8 + j] = (even >> 4) | (odd & 240)
      }
    }
  }
  return { ...matrix, offsets }
}

/** Matrices of equal width one below the other; null when they are not of the same bits. */
export function stackBlocks(parts: readonly BlockMatrix[]): BlockMatrix | null {
  const [first] = parts as [BlockMatrix, ...BlockMatrix[]]
  if (parts.length === 1) return first
  if (parts.some((part) => part.bits !== first.bits)) return null
  const whole = emptyMatrix(
    parts.reduce((sum, part) => sum + part.rows, 0),
    first.columns,
    first.bits,
  )
  const offsets = parts.some((part) => part.offsets) ? new Float32Array(whole.scales.length) : null
  let block = 0
  for (const part of parts) {
    whole.values.set(part.values, block * blockBytes(part.bits))
    whole.scales.set(part.scales, block)
    if (part.offsets) offsets!.set(part.offsets, block)
    block += part.scales.length
  }
  return { ...whole, offsets }
}

/** Row `row` as 32-bit floats times `scale`, written to `target` at `offset`. */
export function copyBlockRow(
  matrix: BlockMatrix,
  row: number,
  scale: number,
  target: Float32Array,
  offset: number,
): void {
  const { bits, columns, values, scales, offsets } = matrix
  const blocks = Math.ceil(columns / BLOCK)
  for (let column = 0; column < columns; column++) {
    const block = row * blocks + (column >> 5)
    const place = block * BLOCK + (column & 31)
    const q = bits === 8 ? values[place]! : (values[place >> 1]! >> ((place & 1) * 4)) & 15
    const value = Math.fround(scales[block]! * (q - ZERO[bits])) + (offsets ? offsets[block]! : 0)
    target[offset + column] = value * scale
  }
}

function emptyMatrix(rows: number, columns: number, bits: 4 | 8): BlockMatrix {
  const blocks = rows * Math.ceil(columns / BLOCK)
  return {
    bits,
    rows,
    columns,
    values: new Uint8Array(blocks * blockBytes(bits)),
    scales: new Float32Array(blocks),
    offsets: null,
  }
}

function blockBytes(bits: 4 | 8): number {
  return (BLOCK * bits) / 8
}

function put({ bits, values }: BlockMatrix, block: number, index: number, q: number): void {
  if (bits === 8) values[block * BLOCK + index] = q
  else values[(block * BLOCK + index) >> 1]! |= q << ((index & 1) * 4)
}

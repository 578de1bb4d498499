/**
 * ggml's tensor types and their conversion to 32-bit floats.
 *
 * A quantised row is a run of blocks of 32 values that share a half-precision scale d (and, in Q4_1, an offset m).
 * In a 4-bit block byte j holds value j in its low half and value j + 16 in its high half.
 * https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
 */
import { bfloatsToFloats, halfToFloat, halvesToFloats } from './half-precision.ts'

export interface GgmlType {
  name: string
  /** Values that are stored together. */
  blockSize: number
  blockBytes: number
  toFloats: (bytes: Uint8Array<ArrayBuffer>) => Float32Array
}

const READABLE_TYPES = new Map<number, GgmlType>([
  [0, { name: 'F32', blockSize: 1, blockBytes: 4, toFloats: (bytes) => new Float32Array(bytes.buffer) }],
  [
    1,
    { name: 'F16', blockSize: 1, blockBytes: 2, toFloats: (b) => halvesToFloats(new Uint16Array(b.buffer)) },
  ],
  [
    30,
    {
      name: 'BF16',
      blockSize: 1,
      blockBytes: 2,
      toFloats: (b) => bfloatsToFloats(new Uint16Array(b.buffer)),
    },
  ],
  [2, { name: 'Q4_0', blockSize: 32, blockBytes: 18, toFloats: expandQ4_0 }],
  [3, { name: 'Q4_1', blockSize: 32, blockBytes: 20, toFloats: expandQ4_1 }],
  [8, { name: 'Q8_0', blockSize: 32, blockBytes: 34, toFloats: expandQ8_0 }],
])

const OTHER_TYPE_NAMES: Record<number, string> = {
  6: 'Q5_0',
  7: 'Q5_1',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
}

export const READABLE_TYPE_NAMES = [...READABLE_TYPES.values()].map(({ name }) => name)

export function readableType(type: number): GgmlType | undefined {
  return READABLE_TYPES.get(type)
}

export function typeName(type: number): string {
  return READABLE_TYPES.get(type)?.name ?? OTHER_TYPE_NAMES[type] ?? `number ${type}`
}

function readHalf(bytes: Uint8Array, offset: number): number {
  return halfToFloat(bytes[offset]! | (bytes[offset + 1]! << 8))
}

/** d · (q − 8) */
function expandQ4_0(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 18) * 32)
  for (let block = 0, out = 0; block < bytes.length; block += 18, out += 32) {
    const scale = readHalf(bytes, block)
    for (let j = 0; j < 16; j++) {
      const byte = bytes[block + 2 + j]!
      floats[out + j] = scale * ((byte & 15) - 8)
      floats[out + 16 + j] = scale * ((byte >> 4) - 8)
    }
  }
  return floats
}

/** d · q + m */
function expandQ4_1(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 20) * 32)
  for (let block = 0, out = 0; block < bytes.length; block += 20, out += 32) {
    const scale = readHalf(bytes, block)
    const offset = readHalf(bytes, block + 2)
    for (let j = 0; j < 16; j++) {
      const byte = bytes[block + 4 + j]!
      floats[out + j] = scale * (byte & 15) + offset
      floats[out + 16 + j] = scale * (byte >> 4) + offset
    }
  }
  return floats
}

/** d · q with q a signed byte */
function expandQ8_0(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 34) * 32)
  for (let block = 0, out = 0; block < bytes.length; block += 34, out += 32) {
    const scale = readHalf(bytes, block)
    for (let j = 0; j < 32; j++) floats[out + j] = scale * ((bytes[block + 2 + j]! << 24) >> 24)
  }
  return floats
}

/** ggml's tensor types and their conversion to 32-bit floats; a quantised row is a run of whole blocks. */
import { expandQ4_0, expandQ4_1, expandQ5_0, expandQ5_1, expandQ8_0 } from './gguf-blocks.ts'
import { expandQ4_K, expandQ5_K, expandQ6_K } from './gguf-k-blocks.ts'
import { bfloatsToFloats, halvesToFloats } from './half-precision.ts'

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
  [6, { name: 'Q5_0', blockSize: 32, blockBytes: 22, toFloats: expandQ5_0 }],
  [7, { name: 'Q5_1', blockSize: 32, blockBytes: 24, toFloats: expandQ5_1 }],
  [8, { name: 'Q8_0', blockSize: 32, blockBytes: 34, toFloats: expandQ8_0 }],
  [12, { name: 'Q4_K', blockSize: 256, blockBytes: 144, toFloats: expandQ4_K }],
  [13, { name: 'Q5_K', blockSize: 256, blockBytes: 176, toFloats: expandQ5_K }],
  [14, { name: 'Q6_K', blockSize: 256, blockBytes: 210, toFloats: expandQ6_K }],
])

const OTHER_TYPE_NAMES: Record<number, string> = {
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
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

/**
 * "K" blocks of ggml: 256 values in sub-blocks that have small scales of their own, which are multiples of the block's.
 * https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
 */
import { readHalf } from './gguf-blocks.ts'

const BLOCK = 256

/** Scale and offset of each of the 8 sub-blocks, six bits each, packed in 12 bytes. */
function readScales(bytes: Uint8Array, at: number, scales: Uint8Array, offsets: Uint8Array): void {
  for (let j = 0; j < 4; j++) {
    const [first, second, third] = [bytes[at + j]!, bytes[at + 4 + j]!, bytes[at + 8 + j]!]
    scales[j] = first & 63
    offsets[j] = second & 63
    // The third four bytes hold the low four bits of the later sub-blocks; the two others have their high two bits.
    scales[j + 4] = (third & 15) | ((first >> 6) << 4)
    offsets[j + 4] = (third >> 4) | ((second >> 6) << 4)
  }
}

/** d·s · q − m·o with q in 0 … 15; 144 bytes: d, m, scales and offsets, values. */
export function expandQ4_K(bytes: Uint8Array): Float32Array {
  return expandWithOffsets(bytes, 144, 16, () => 0)
}

/** d·s · q − m·o with q in 0 … 31; 176 bytes: d, m, scales and offsets, fifth bits, low bits. */
export function expandQ5_K(bytes: Uint8Array): Float32Array {
  // Bit s of byte l is the fifth bit of value l of sub-block s.
  return expandWithOffsets(bytes, 176, 48, (block, sub, l) => ((bytes[block + 16 + l]! >> sub) & 1) << 4)
}

function expandWithOffsets(
  bytes: Uint8Array,
  blockBytes: number,
  valuesAt: number,
  fifth: (block: number, sub: number, l: number) => number,
): Float32Array {
  const floats = new Float32Array((bytes.length / blockBytes) * BLOCK)
  const scales = new Uint8Array(8)
  const offsets = new Uint8Array(8)
  for (let block = 0, out = 0; block < bytes.length; block += blockBytes, out += BLOCK) {
    const scale = readHalf(bytes, block)
    const offset = readHalf(bytes, block + 2)
    readScales(bytes, block + 4, scales, offsets)
    for (let sub = 0; sub < 8; sub++) {
      const own = scale * scales[sub]!
      const less = offset * offsets[sub]!
      // Two neighbouring sub-blocks share 32 bytes: the first has their low halves, the second the high ones.
      const from = block + valuesAt + (sub >> 1) * 32
      const shift = (sub & 1) * 4
      for (let l = 0; l < 32; l++) {
        const value = ((bytes[from + l]! >> shift) & 15) | fifth(block, sub, l)
        floats[out + sub * 32 + l] = own * value - less
      }
    }
  }
  return floats
}

/** d·s · (q − 32) with q in 0 … 63 and 16 signed scales s; 210 bytes: low four bits, high two bits, scales, d. */
export function expandQ6_K(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 210) * BLOCK)
  for (let block = 0, out = 0; block < bytes.length; block += 210, out += BLOCK) {
    const scale = readHalf(bytes, block + 208)
    // Each half of the block: four runs of 32 values share 64 bytes of low and 32 bytes of high bits.
    for (let part = 0; part < 8; part++) {
      const [half, run] = [part >> 2, part & 3]
      const low = block + half * 64 + (run & 1) * 32
      const high = block + 128 + half * 32
      for (let l = 0; l < 32; l++) {
        const bits =
          ((bytes[low + l]! >> ((run >> 1) << 2)) & 15) | (((bytes[high + l]! >> (2 * run)) & 3) << 4)
        const own = (bytes[block + 192 + half * 8 + run * 2 + (l >> 4)]! << 24) >> 24
        floats[out + part * 32 + l] = scale * own * (bits - 32)
      }
    }
  }
  return floats
}

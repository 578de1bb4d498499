/**
 * Blocks of ggml that are 32 values long: they share a half-precision scale d and, in Q4_1 and Q5_1, an offset m.
 *
 * Byte j holds value j in its low half and value j + 16 in its high half; the fifth bits of Q5_0 and Q5_1 follow each
 * other in one 32-bit word. https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
 */
import { halfToFloat } from './half-precision.ts'

export function readHalf(bytes: Uint8Array, offset: number): number {
  return halfToFloat(bytes[offset]! | (bytes[offset + 1]! << 8))
}

function readWord(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24)
}

/** d · (q − 8) */
export function expandQ4_0(bytes: Uint8Array): Float32Array {
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
export function expandQ4_1(bytes: Uint8Array): Float32Array {
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

/** d · (q − 16) */
export function expandQ5_0(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 22) * 32)
  for (let block = 0, out = 0; block < bytes.length; block += 22, out += 32) {
    const scale = readHalf(bytes, block)
    const fifths = readWord(bytes, block + 2)
    for (let j = 0; j < 16; j++) {
      const byte = bytes[block + 6 + j]!
      floats[out + j] = scale * (((byte & 15) | (((fifths >>> j) & 1) << 4)) - 16)
      floats[out + 16 + j] = scale * (((byte >> 4) | (((fifths >>> (j + 16)) & 1) << 4)) - 16)
    }
  }
  return floats
}

/** d · q + m */
export function expandQ5_1(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 24) * 32)
  for (let block = 0, out = 0; block < bytes.length; block += 24, out += 32) {
    const scale = readHalf(bytes, block)
    const offset = readHalf(bytes, block + 2)
    const fifths = readWord(bytes, block + 4)
    for (let j = 0; j < 16; j++) {
      const byte = bytes[block + 8 + j]!
      floats[out + j] = scale * ((byte & 15) | (((fifths >>> j) & 1) << 4)) + offset
      floats[out + 16 + j] = scale * ((byte >> 4) | (((fifths >>> (j + 16)) & 1) << 4)) + offset
    }
  }
  return floats
}

/** d · q with q a signed byte */
export function expandQ8_0(bytes: Uint8Array): Float32Array {
  const floats = new Float32Array((bytes.length / 34) * 32)
  for (let block = 0, out = 0; block < bytes.length; block += 34, out += 32) {
    const scale = readHalf(bytes, block)
    for (let j = 0; j < 32; j++) floats[out + j] = scale * ((bytes[block + 2 + j]! << 24) >> 24)
  }
  return floats
}

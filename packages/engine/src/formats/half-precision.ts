/**
 * IEEE 754 binary16 and bfloat16, converted to and from binary32 with round to nearest, ties to even.
 * Node 22 has no Float16Array, hence the table.
 */

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** Value of every binary16 bit pattern. */
const HALF_VALUES = new Float32Array(65536)
for (let half = 0; half < 65536; half++) HALF_VALUES[half] = expandHalf(half)

function expandHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** Value of one binary16 bit pattern. */
export function halfToFloat(half: number): number {
  return HALF_VALUES[half]!
}

export function halvesToFloats(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) floats[i] = HALF_VALUES[halves[i]!]!
  return floats
}

export function bfloatsToFloats(bfloats: Uint16Array): Float32Array {
  const floats = new Float32Array(bfloats.length)
  const words = new Uint32Array(floats.buffer)
  for (let i = 0; i < bfloats.length; i++) words[i] = bfloats[i]! << 16
  return floats
}

/** Bit pattern of the binary16 nearest to `value`; overflow becomes an infinity. */
export function floatToHalf(value: number): number {
  float[0] = value
  const word = bits[0]!
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  // 65520 lies halfway between the largest half and the next power of two, and ties go to even: infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal halves are multiples of 2^-24; the product is exact, so it is rounded only once.
    return sign | roundHalfToEven(Math.abs(float[0]!) * 2 ** 24)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

export function floatsToHalves(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(floats.length)
  for (let i = 0; i < floats.length; i++) halves[i] = floatToHalf(floats[i]!)
  return halves
}

/** Bit patterns of the nearest bfloat16 values; every NaN becomes the quiet NaN of its sign. */
export function floatsToBfloats(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const bfloats = new Uint16Array(floats.length)
  for (let i = 0; i < floats.length; i++) {
    float[0] = floats[i]!
    const word = bits[0]!
    const isNotANumber = (word & 0x7fffffff) > 0x7f800000
    bfloats[i] = isNotANumber
      ? ((word >>> 16) & 0x8000) | 0x7fc0
      : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  }
  return bfloats
}

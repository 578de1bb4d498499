import type { Rope } from '../formats/types.ts'

/** Cosines and sines of the rotation angles, each [positions, headDim/2]. */
export interface RotaryAngles {
  cos: Float32Array
  sin: Float32Array
  negativeSin: Float32Array
}

/**
 * Angles position · theta^(−2i/headDim) / factors[i] of rotary position embedding (Su et al. 2021); without a rope
 * every angle is zero, which rotates nothing.
 */
export function rotaryAngles(rope: Rope | null, headDim: number, positions: number): RotaryAngles {
  const half = headDim / 2
  const cos = new Float32Array(positions * half).fill(1)
  const sin = new Float32Array(positions * half)
  if (rope) {
    const frequencies = Array.from({ length: half }, (_, i) => {
      return rope.theta ** ((-2 * i) / headDim) / (rope.factors?.[i] ?? 1)
    })
    for (let position = 0; position < positions; position++) {
      for (let i = 0; i < half; i++) {
        const angle = position * frequencies[i]!
        cos[position * half + i] = Math.cos(angle)
        sin[position * half + i] = Math.sin(angle)
      }
    }
  }
  return { cos, sin, negativeSin: sin.map((value) => -value) }
}

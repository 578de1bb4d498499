import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bfloatsToFloats,
  floatsToBfloats,
  floatsToHalves,
  floatToHalf,
  halfToFloat,
  halvesToFloats,
} from './half-precision.ts'

test('every half that is a number survives the way to a float and back', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((half) => (half & 0x7fff) <= 0x7c00)
  expect(floatsToHalves(halvesToFloats(halves))).toEqual(halves)
})

test('every bfloat that is a number survives the way to a float and back', () => {
  const bfloats = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bf) => (bf & 0x7fff) <= 0x7f80)
  expect(floatsToBfloats(bfloatsToFloats(bfloats))).toEqual(bfloats)
})

// Rounding goldens: numpy 2.4.6, np.array(values, 'f4').astype('f2').view('u2').
test('halves are rounded as numpy rounds them', () => {
  const values = [
    0.1,
    -0.1,
    0.3333333333333333,
    65504,
    65519.996,
    65520,
    1000000.0,
    -1000000000.0,
    6.1e-5,
    6.097555e-5,
    5.96e-8,
    2.98e-8,
    2.9802322e-8,
    2.9802326e-8,
    8.940697e-8,
    -0.0,
    2049,
    2051,
    2050.5,
    Infinity,
  ]
  expect(values.map(floatToHalf)).toEqual([
    0x2e66, 0xae66, 0x3555, 0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x3ff, 0x3ff, 0x1, 0x0, 0x0, 0x1, 0x2,
    0x8000, 0x6800, 0x6802, 0x6801, 0x7c00,
  ])
})

test('rounding to a half picks the nearest of the two neighbours', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (value) => {
      const half = floatToHalf(value)
      const error = Math.abs(halfToFloat(half) - value)
      for (const neighbour of [half - 1, half + 1]) {
        if (((neighbour ^ half) & 0x8000) !== 0 || neighbour < 0) continue
        expect(error).toBeLessThanOrEqual(Math.abs(halfToFloat(neighbour) - value))
      }
    }),
  )
})

test('bfloats round to even on ties and keep NaN a NaN', () => {
  const words = Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x7f800001, 0x7f7fffff, 0xff800000)
  const rounded = floatsToBfloats(new Float32Array(words.buffer))
  expect([...rounded]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x7fc0, 0x7f80, 0xff80])
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialPmf, binomialTail } from './binomial.ts'

// Golden values: scipy 1.17.1, scipy.stats.binom.pmf(k, n, p) and .sf(k - 1, n, p).
const golden: [number, number, number, number, number][] = [
  [3, 10, 0.5, 0.1171875, 0.9453125],
  [0, 5, 0.1, 0.5904899999999998, 1],
  [78, 100, 0.7, 0.01903448552766725, 0.047865738648274064],
  [500, 1000, 0.5, 0.025225018178360804, 0.5126125090891802],
  [620, 1000, 0.6, 0.011237319792972395, 0.10382449783572581],
  [1001, 100000, 0.01, 0.012665495827716856, 0.491590526648567],
  [950, 1000, 0.5, 8.829104081979492e-217, 9.318463533268994e-217],
  [40, 77, 0.013, 2.877417239279546e-54, 2.912009183113088e-54],
]

test.each(golden)('%i of %i at %f has the probabilities of scipy', (k, n, p, mass, tail) => {
  expect(Math.abs(binomialPmf(k, n, p) / mass - 1)).toBeLessThan(1e-11)
  expect(Math.abs(binomialTail(k, n, p) / tail - 1)).toBeLessThan(1e-11)
})

test('a fair coin gives the binomial coefficients', () => {
  expect(binomialPmf(4, 8, 0.5)).toBeCloseTo(70 / 256, 14)
  expect(binomialTail(7, 8, 0.5)).toBeCloseTo(9 / 256, 14)
})

test('certain and impossible outcomes', () => {
  expect(binomialPmf(0, 5, 0)).toBe(1)
  expect(binomialPmf(5, 5, 1)).toBe(1)
  expect(binomialTail(5, 5, 1)).toBe(1)
  expect(binomialTail(1, 5, 0)).toBe(0)
  expect(binomialTail(0, 5, 0.3)).toBe(1)
  expect(binomialTail(6, 5, 0.3)).toBe(0)
})

test('the masses sum to one and the tail is their sum', () => {
  const chance = fc.double({ min: 0.001, max: 0.999, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), chance, fc.nat(60), (n, p, start) => {
      let above = 0
      for (let k = n; k >= start; k--) above += binomialPmf(k, n, p)
      expect(binomialTail(start, n, p)).toBeCloseTo(above, 12)
      if (start === 0) expect(above).toBeCloseTo(1, 12)
    }),
  )
})

test('impossible arguments are refused', () => {
  expect(() => binomialTail(1, 2.5, 0.5)).toThrow(RangeError)
  expect(() => binomialTail(0.5, 2, 0.5)).toThrow(RangeError)
  expect(() => binomialPmf(1, 2, 1.5)).toThrow(RangeError)
})

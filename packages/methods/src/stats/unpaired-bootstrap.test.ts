import { expect, test } from 'vitest'
import golden from './estimates-golden.json' with { type: 'json' }
import { unpairedBootstrap } from './unpaired-bootstrap.ts'

const { a, b, interval } = golden.unpairedBootstrap

test('two samples of different shape have the interval of scipy', () => {
  const { low, high, estimate } = unpairedBootstrap(a, b, { seed: 5, resamples: 20_000 })
  expect(estimate).toBeGreaterThan(low)
  // The interval is 1.0 wide; without its correction for skewness the upper end is 0.04 lower.
  expect(Math.abs(low - interval[0]!)).toBeLessThan(0.015)
  expect(Math.abs(high - interval[1]!)).toBeLessThan(0.02)
})

test('the samples in the other order give about the mirrored interval', () => {
  const options = { seed: 2, resamples: 10_000 }
  const there = unpairedBootstrap(a, b, options)
  const back = unpairedBootstrap(b, a, options)
  expect(back.estimate).toBeCloseTo(-there.estimate, 12)
  expect(Math.abs(back.low + there.high)).toBeLessThan(0.04)
  expect(Math.abs(back.high + there.low)).toBeLessThan(0.04)
})

test('the seed decides; no spread has no width; too few values are refused', () => {
  const options = { seed: 7, resamples: 300 }
  expect(unpairedBootstrap(a, b, options)).toEqual(unpairedBootstrap(a, b, options))
  expect(unpairedBootstrap(a, b, options)).not.toEqual(unpairedBootstrap(a, b, { ...options, seed: 8 }))
  expect(unpairedBootstrap([1, 1], [0, 0, 0], options)).toMatchObject({ estimate: 1, low: 1, high: 1 })
  expect(() => unpairedBootstrap([1], b, options)).toThrow(/at least 2/)
  expect(() => unpairedBootstrap(a, [0, Number.NaN], options)).toThrow(/finite/)
})

import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { candidateProbability, chooseBanding, MinHash } from './min-hash.ts'

test('bands are chosen for the recall at the threshold within the budget of hash functions', () => {
  // 1 - (1 - 0.7^5)^26 = 0.9916.
  expect(chooseBanding(0.7)).toEqual({ bands: 26, rows: 5 })
  for (const threshold of [0.3, 0.5, 0.7, 0.8, 0.9, 1]) {
    const banding = chooseBanding(threshold)
    expect(candidateProbability(threshold, banding)).toBeGreaterThanOrEqual(0.99)
    expect(banding.bands * banding.rows).toBeLessThanOrEqual(160)
  }
  expect(() => chooseBanding(0)).toThrow(RangeError)
  expect(() => chooseBanding(0.7, 1)).toThrow(RangeError)
})

test.each([8, 60])('sets of about %i shingles share a band as often as the formula says', (size) => {
  const banding = { bands: 26, rows: 5 }
  const random = new Random(7, 'test')
  const key = () => Math.floor(random.uniform() * 2 ** 53)
  const keys = new Uint32Array(2 * banding.bands)
  const pairs = 400
  for (const different of [1, 2]) {
    const common = Array.from({ length: size }, key)
    const similarity = size / (size + 2 * different)
    let candidates = 0
    for (let pair = 0; pair < pairs; pair++) {
      const hash = new MinHash(banding, pair)
      const own = () => Float64Array.from([...common, ...Array.from({ length: different }, key)]).sort()
      hash.bandKeys(own(), size + different, keys, 0)
      hash.bandKeys(own(), size + different, keys, banding.bands)
      if (keys.subarray(0, banding.bands).some((band, at) => band === keys[banding.bands + at])) candidates++
    }
    const expected = candidateProbability(similarity, banding)
    // Four standard errors of a share, and one pair.
    const allowed = 4 * Math.sqrt((expected * (1 - expected)) / pairs) + 1 / pairs
    expect(Math.abs(candidates / pairs - expected)).toBeLessThan(allowed)
  }
})

test('the same seed gives the same keys, another one other keys', () => {
  const shingles = Float64Array.of(1, 2 ** 40 + 7, 2 ** 52)
  const keysOf = (seed: number) => {
    const target = new Uint32Array(26)
    new MinHash({ bands: 26, rows: 5 }, seed).bandKeys(shingles, 3, target, 0)
    return [...target]
  }
  expect(keysOf(1)).toEqual(keysOf(1))
  expect(keysOf(1)).not.toEqual(keysOf(2))
})

import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { type SeedDifference, seedDifference } from './seed-difference.ts'
import { seedsToSettle } from './seeds-to-settle.ts'

test('the figures are those of a calculation by hand', () => {
  // Means 0.5, 0.75 and 1 of 4 items: s = 0.25, so 2.919986 · 0.25 · √(4/3) = 0.842927.
  const single = [1, 1, 0, 0]
  const trainings = [
    [1, 1, 0, 0],
    [1, 1, 1, 0],
    [1, 1, 1, 1],
  ]
  const { estimate, low, high, seedDeviation, itemError } = seedDifference(single, trainings)
  expect(estimate).toBeCloseTo(0.25, 12)
  expect(seedDeviation).toBeCloseTo(0.25, 12)
  // Differences 0, 0, 2/3, 1/3: variance 0.101852 of 4 items.
  expect(itemError).toBeCloseTo(Math.sqrt(0.10185185 / 4), 6)
  expect(high - estimate).toBeCloseTo(0.842927, 5)
  expect(estimate - low).toBeCloseTo(0.842927, 5)
})

test('trainings that answer everything alike still leave room for a difference', () => {
  const all = Array.from({ length: 50 }, () => 1)
  // Wilson: z² / (n + z²) with z = 1.644854.
  expect(seedDifference(all, [all, all, all]).high).toBeCloseTo(2.705543 / 52.705543, 5)
})

test('too few trainings, or lists of different lengths, are refused', () => {
  expect(() => seedDifference([1, 0], [[1, 0]])).toThrow(RangeError)
  expect(() => seedDifference([1, 0], [[1, 0], [1]])).toThrow(RangeError)
})

/** Trainings of one recipe: items of their own difficulty, seeds that move all of them. */
function draw(random: Random, options: { seeds: number; items: number; seedNoise: number; drift: number }) {
  const chances = Array.from({ length: options.items }, () => 1 / (1 + Math.exp(-1.5 - 3 * random.normal())))
  const train = (shift: number) => {
    const move = shift + options.seedNoise * random.normal()
    return chances.map((chance) => (random.uniform() < Math.min(1, Math.max(0, chance + move)) ? 1 : 0))
  }
  const single = train(0)
  return seedDifference(
    single,
    Array.from({ length: options.seeds }, () => train(options.drift)),
  )
}

test.each([
  { seeds: 3, seedNoise: 0.02 },
  { seeds: 5, seedNoise: 0.01 },
])('each bound errs as often as it says, at most: $seeds seeds, noise $seedNoise', ({ seeds, seedNoise }) => {
  const random = new Random(11, `bounds/${seeds}/${seedNoise}`)
  const runs = 300
  let above = 0
  let below = 0
  for (let run = 0; run < runs; run++) {
    const { low, high } = draw(random, { seeds, items: 100, seedNoise, drift: 0 })
    if (low > 0) above++
    if (high < 0) below++
  }
  // 5 % each, and three standard errors.
  for (const errors of [above, below]) expect(errors / runs).toBeLessThan(0.05 + 3 * Math.sqrt(0.0475 / runs))
})

test('what would settle it: more seeds, then more items, then nothing', () => {
  const noise = { estimate: 0.002, low: 0, high: 0, level: 0.9, items: 2000, seeds: 3 }
  const of = (seedDeviation: number, itemError: number): SeedDifference => {
    return { ...noise, seedDeviation, itemError }
  }
  const bySeeds = seedsToSettle(of(0.008, 0.008), 0.02)!
  expect(bySeeds).toMatchObject({ items: 2000 })
  // By hand: 2.1318 · 0.008 · √1.2 = 0.0187 with 5, 2.0150 · 0.008 · √(7/6) = 0.0174 with 6; room is 0.018.
  expect(bySeeds.seeds).toBe(6)
  const byItems = seedsToSettle(of(0.02, 0.023), 0.02)!
  expect(byItems.seeds).toBe(10)
  expect(byItems.items).toBeGreaterThan(4000)
  expect(seedsToSettle(of(0.05, 0.001), 0.02)).toBeNull()
  // Where nothing differs, only items are lacking: z² / (n + z²) < 0.018 from n = 147 on.
  expect(seedsToSettle({ ...of(0, 0), items: 20 }, 0.02)).toEqual({ seeds: 3, items: 150 })
})

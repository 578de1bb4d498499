import { halfWidth, type SeedDifference, type SeedNoise } from './seed-difference.ts'

const MOST_SEEDS = 100
/** More items are planned for with this many trainings. */
const FAIR_SEEDS = 10
const MOST_ITEMS = 1_000_000

/**
 * Gives how many trainings settle whether a difference lies within the margin, on the same items; where not even 100 do, how
 * many items do with as many trainings as there are, or with 10; null where no million does. The noise is taken to stay as it is, and the true
 * difference to be the estimate, but at least a quarter of the margin away from the margin.
 */
export function seedsToSettle(
  difference: SeedDifference,
  margin: number,
): { seeds: number; items: number } | null {
  const room = Math.max(Math.abs(margin - Math.abs(difference.estimate)), margin / 4)
  const settles = (seeds: number, items: number) =>
    halfWidth(noiseAt(difference, seeds, items), difference.level) < room
  const { items } = difference
  for (let seeds = difference.seeds + 1; seeds <= MOST_SEEDS; seeds++) {
    if (settles(seeds, items)) return { seeds, items }
  }
  for (let more = roundUp(items); more <= MOST_ITEMS; more = roundUp(more * 1.05)) {
    for (const seeds of [difference.seeds, FAIR_SEEDS])
      if (settles(seeds, more)) return { seeds, items: more }
  }
  return null
}

/** The noise with other numbers: what seeds alone add stays, what items add falls with their number. */
function noiseAt(noise: SeedDifference, seeds: number, items: number): SeedNoise {
  const ofItems = noise.itemError ** 2 / (1 + 1 / noise.seeds)
  const ofSeeds = Math.max(0, noise.seedDeviation ** 2 - ofItems)
  const fewer = (ofItems * noise.items) / items
  return {
    items,
    seeds,
    seedDeviation: Math.sqrt(ofSeeds + fewer),
    itemError: Math.sqrt(fewer * (1 + 1 / seeds)),
  }
}

/** Two digits say as much as a plan can. */
function roundUp(items: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(items)) - 1)
  return Math.ceil(items / unit) * unit
}

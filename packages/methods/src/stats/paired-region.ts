import { binomialPmf, binomialTail } from './binomial.ts'
import { pairedScore } from './paired-score.ts'

/** So many standard deviations away, numbers of discordant items are left out of sums. */
const NEGLIGIBLE_DEVIATIONS = 7

/** All outcomes of n paired items that speak at least so much for A: their score at `difference` is at least z. */
export interface PairedRegion {
  n: number
  /** For each number of discordant items the least of them that only A must win; one more than there are: none is enough. */
  least(discordant: number): number
}

export function pairedRegion(n: number, difference: number, z: number): PairedRegion {
  const known = new Int32Array(n + 1).fill(-1)
  // Outcomes whose score is z in exact arithmetic belong to the region.
  const within = (onlyA: number, discordant: number) =>
    pairedScore(onlyA, discordant - onlyA, n, difference) >= z - 1e-9
  return {
    n,
    least(discordant) {
      if (known[discordant]! >= 0) return known[discordant]!
      let [low, high] = [0, discordant + 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if (within(middle, discordant)) high = middle
        else low = middle + 1
      }
      known[discordant] = low
      return low
    },
  }
}

/** The exact chance of the region when the proportions differ by `difference` and a share `discordance` of items is discordant. */
export function regionProbability(region: PairedRegion, difference: number, discordance: number): number {
  const { n } = region
  const share = Math.min(1, Math.max(0, (1 + difference / discordance) / 2))
  const reach = NEGLIGIBLE_DEVIATIONS * Math.sqrt(n * discordance * (1 - discordance)) + 10
  const first = Math.max(0, Math.floor(n * discordance - reach))
  const last = Math.min(n, Math.ceil(n * discordance + reach))
  let probability = 0
  for (let discordant = first; discordant <= last; discordant++) {
    const least = region.least(discordant)
    if (least > discordant) continue
    const chance = binomialPmf(discordant, n, discordance)
    if (chance > 0) probability += chance * binomialTail(least, discordant, share)
  }
  return Math.min(1, probability)
}

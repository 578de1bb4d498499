import { binomialPmf, binomialTail } from './binomial.ts'
import { pairedScore } from './paired-score.ts'

/** So many standard deviations away, numbers of discordant items are left out of sums. */
const NEGLIGIBLE_DEVIATIONS = 7

/** A set of outcomes of n paired items that speak for A: what holds for some of them holds for more that only A wins. */
export interface PairedRegion {
  n: number
  /** For each number of discordant items the least of them that only A must win; one more than there are: none is enough. */
  least(discordant: number): number
}

export function pairedRegion(n: number, holds: (onlyA: number, onlyB: number) => boolean): PairedRegion {
  const known = new Int32Array(n + 1).fill(-1)
  return {
    n,
    least(discordant) {
      if (known[discordant]! >= 0) return known[discordant]!
      let [low, high] = [0, discordant + 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if (holds(middle, discordant - middle)) high = middle
        else low = middle + 1
      }
      known[discordant] = low
      return low
    },
  }
}

/** The outcomes whose score at `difference` is at least z. */
export function scoreRegion(n: number, difference: number, z: number): PairedRegion {
  // Those that reach it in exact arithmetic belong to it.
  return pairedRegion(n, (onlyA, onlyB) => pairedScore(onlyA, onlyB, n, difference) >= z - 1e-9)
}

/** The exact chance of the region when the proportions differ by `difference` and a share `discordance` of items is discordant. */
export function regionProbability(region: PairedRegion, difference: number, discordance: number): number {
  const share = shareOfA(difference, discordance)
  return overDiscordant(region.n, discordance, (discordant) => {
    const least = region.least(discordant)
    return least > discordant ? 0 : binomialTail(least, discordant, share)
  })
}

/** The same for the outcomes that belong to `region` and, with A and B swapped, to `mirrored`. */
export function bothProbability(
  region: PairedRegion,
  mirrored: PairedRegion,
  difference: number,
  discordance: number,
): number {
  const share = shareOfA(difference, discordance)
  return overDiscordant(region.n, discordance, (discordant) => {
    const least = region.least(discordant)
    const most = discordant - mirrored.least(discordant)
    if (least > most) return 0
    return binomialTail(least, discordant, share) - binomialTail(most + 1, discordant, share)
  })
}

function shareOfA(difference: number, discordance: number): number {
  return Math.min(1, Math.max(0, (1 + difference / discordance) / 2))
}

/** The expectation of a function of the number of discordant items. */
function overDiscordant(n: number, discordance: number, value: (discordant: number) => number): number {
  const reach = NEGLIGIBLE_DEVIATIONS * Math.sqrt(n * discordance * (1 - discordance)) + 10
  const first = Math.max(0, Math.floor(n * discordance - reach))
  const last = Math.min(n, Math.ceil(n * discordance + reach))
  let sum = 0
  for (let discordant = first; discordant <= last; discordant++) {
    sum += binomialPmf(discordant, n, discordance) * value(discordant)
  }
  return Math.min(1, sum)
}

import { clopperPearsonLower, clopperPearsonUpper } from './clopper-pearson.ts'
import { checkOneSided } from './decision.ts'
import type { Interval } from './interval.ts'
import { normalQuantile } from './normal.ts'
import { countItems, type PairedCounts, pairedDifference } from './paired-difference.ts'
import { type PairedRegion, regionProbability, scoreRegion } from './paired-region.ts'
import { pairedScore } from './paired-score.ts'

/** The part of alpha that is paid for looking only at shares of discordant items that the items make plausible. */
const PAID = 1 / 500
const SHARES = 16

/**
 * Gives the proportion of A minus the proportion of B over the same items, with two exact bounds: each errs with probability
 * at most `alpha`, whatever the proportions and however many items are discordant. `level` is 1 − 2 alpha.
 *
 * The outcomes are ordered by Tango's limit. A bound is the difference at which an outcome as far out as the observed one
 * has the probability alpha, at the worst share of discordant items among those that are plausible (their Clopper–Pearson
 * interval; its error, alpha / 500, is charged). Costs some milliseconds per thousand items.
 * Sources: Lloyd and Moldovan 2008, "A more powerful exact test of noninferiority from binary matched-pairs data" (order and
 * limit); Berger and Boos 1994, "P Values Maximized Over a Confidence Set for the Nuisance Parameter".
 */
export function exactPairedDifference(counts: PairedCounts, alpha = 0.05): Interval {
  const n = countItems(counts)
  checkOneSided(alpha)
  const { onlyA, onlyB } = counts
  const level = 1 - 2 * alpha
  const { estimate, low, high } = pairedDifference(counts, level)
  const discordant = onlyA + onlyB
  const plausible = {
    low: discordant === 0 ? 0 : clopperPearsonLower(discordant, n, 1 - (alpha * PAID) / 2),
    high: discordant === n ? 1 : clopperPearsonUpper(discordant, n, 1 - (alpha * PAID) / 2),
  }
  const bound = (limit: number, mine: number, other: number) => {
    // What was observed belongs to the region, also where the limit is -1 and its score is lower.
    const z = Math.min(normalQuantile(1 - alpha), pairedScore(mine, other, n, limit))
    return lowerBound(scoreRegion(n, limit, z), limit, plausible, alpha * (1 - PAID))
  }
  return { estimate, low: bound(low, onlyA, onlyB), high: -bound(-high, onlyB, onlyA), level }
}

/** The largest difference at which the region has at most the probability `error`, found around the limit of the score. */
function lowerBound(
  region: PairedRegion,
  limit: number,
  plausible: { low: number; high: number },
  error: number,
): number {
  const tooRare = (difference: number) => worstProbability(region, difference, plausible) <= error
  let step = 1 / region.n
  let [low, high] = [limit, limit]
  while (low > -1 && !tooRare(low)) {
    high = low
    low = Math.max(-1, low - step)
    step *= 2
  }
  step = 1 / region.n
  while (high < 1 && tooRare(high)) {
    low = high
    high = Math.min(1, high + step)
    step *= 2
  }
  while (high - low > 0.01 / (region.n + 100)) {
    const middle = (low + high) / 2
    if (tooRare(middle)) low = middle
    else high = middle
  }
  return low
}

/** The highest chance of the region over the plausible shares of discordant items that allow the difference. */
function worstProbability(
  region: PairedRegion,
  difference: number,
  plausible: { low: number; high: number },
): number {
  const least = Math.max(Math.abs(difference), plausible.low, 1e-9)
  const most = Math.max(least, plausible.high)
  let worst = 0
  for (let step = 0; step <= SHARES; step++) {
    const share = least + ((most - least) * step) / SHARES
    worst = Math.max(worst, regionProbability(region, difference, share))
  }
  return worst
}

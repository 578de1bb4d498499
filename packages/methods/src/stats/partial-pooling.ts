import { betweenVariance } from './between-variance.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'
import { normalCdf, normalQuantile } from './normal.ts'

export interface Slice {
  name: string
  /** Mean over the slice's items, as of paired differences. */
  estimate: number
  /** Variance of that mean: sample variance of the items over n. */
  variance: number
  n: number
}

export interface PartialPooling {
  /** The mean over slices. */
  whole: Interval
  slices: (Interval & { name: string })[]
  /** Variance of the true values of the slices, after Paule and Mandel; 0 where chance alone explains their spread. */
  betweenVariance: number
}

/** The variance of a small slice counts like that of the pooled items would with so many more items. † */
const PRIOR_ITEMS = 30
const GRID = 100

/**
 * Draws the estimates of slices towards their common mean, the more the less they are known, with intervals.
 *
 * True values are normal around the common mean, estimates normal around the true values. How much the true values differ is
 * itself uncertain, the more so with few slices: intervals average over it (restricted likelihood with the uniform shrinkage
 * prior) and are wider than those that take one estimate of it for true. The variance of a slice's mean is first steadied by
 * that of all items, since a few items that all agree would else claim certainty. Slices must not share items; without
 * any spread within slices the estimates are returned without width. Throws a RangeError without slices, for a variance
 * below 0 or a value that is not finite.
 * Source: Morris 1983, "Parametric Empirical Bayes Inference"; Daniels 1999, "A prior for the variance in hierarchical
 * models"; Paule and Mandel 1982.
 */
export function partialPooling(slices: readonly Slice[], level = 0.95): PartialPooling {
  checkProbability(level, 'confidence level')
  checkCount(slices.length, 'slices', 1)
  for (const { name, estimate, variance, n } of slices) {
    checkCount(n, `items of slice ${name}`, 1)
    if (!Number.isFinite(estimate) || !(variance >= 0 && variance < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`Slice ${name} needs a finite estimate and a variance of at least 0.`)
    }
  }
  const estimates = slices.map(({ estimate }) => estimate)
  const variances = steadied(slices)
  const between = betweenVariance(estimates, variances)
  if (!variances.every((variance) => variance > 0)) {
    const mean = estimates.reduce((sum, estimate) => sum + estimate, 0) / estimates.length
    const still = (estimate: number): Interval => ({ estimate, low: estimate, high: estimate, level })
    return {
      whole: still(mean),
      slices: slices.map(({ name, estimate }) => ({ name, ...still(estimate) })),
      betweenVariance: between,
    }
  }
  const grid = posterior(estimates, variances)
  return {
    whole: mixtureInterval(
      grid.map(({ weight, mean, variance }) => ({ weight, centre: mean, variance })),
      level,
    ),
    slices: slices.map(({ name, estimate }, i) => {
      const parts = grid.map(({ weight, tau2, mean, variance }) => {
        const shrinkage = variances[i]! / (variances[i]! + tau2)
        return {
          weight,
          centre: shrinkage * mean + (1 - shrinkage) * estimate,
          variance: (1 - shrinkage) * variances[i]! + shrinkage ** 2 * variance,
        }
      })
      return { name, ...mixtureInterval(parts, level) }
    }),
    betweenVariance: between,
  }
}

function steadied(slices: readonly Slice[]): number[] {
  const freedom = slices.reduce((sum, { n }) => sum + n - 1, 0)
  const perItem = (slice: Slice) => slice.n * slice.variance
  const pooled =
    freedom === 0 ? 0 : slices.reduce((sum, slice) => sum + (slice.n - 1) * perItem(slice), 0) / freedom
  return slices.map((slice) => {
    const own = (slice.n - 1) * perItem(slice)
    return (own + PRIOR_ITEMS * pooled) / (slice.n - 1 + PRIOR_ITEMS) / slice.n
  })
}

/** Posterior of the between-slice variance on a grid, with the common mean and its variance given each value. */
function posterior(estimates: readonly number[], variances: readonly number[]) {
  const harmonic = variances.length / variances.reduce((sum, variance) => sum + 1 / variance, 0)
  const points = Array.from({ length: GRID }, (_, i) => {
    // Uniform in the share by which a typical slice is drawn to the mean.
    const shrinkage = (i + 0.5) / GRID
    const tau2 = (harmonic * (1 - shrinkage)) / shrinkage
    const weights = variances.map((variance) => 1 / (variance + tau2))
    const variance = 1 / weights.reduce((sum, weight) => sum + weight, 0)
    const mean = variance * weights.reduce((sum, weight, j) => sum + weight * estimates[j]!, 0)
    let logWeight = Math.log(variance) / 2
    for (const [j, weight] of weights.entries()) {
      logWeight += (Math.log(weight) - weight * (estimates[j]! - mean) ** 2) / 2
    }
    return { tau2, mean, variance, logWeight }
  })
  const largest = Math.max(...points.map(({ logWeight }) => logWeight))
  const raw = points.map(({ logWeight }) => Math.exp(logWeight - largest))
  const total = raw.reduce((sum, weight) => sum + weight, 0)
  return points.map(({ tau2, mean, variance }, i) => ({ weight: raw[i]! / total, tau2, mean, variance }))
}

/** Mean and quantiles of a mixture of normal distributions. */
function mixtureInterval(
  parts: readonly { weight: number; centre: number; variance: number }[],
  level: number,
): Interval {
  const estimate = parts.reduce((sum, { weight, centre }) => sum + weight * centre, 0)
  const quantile = (probability: number): number => {
    const z = normalQuantile(probability)
    const ends = parts.map(({ centre, variance }) => centre + z * Math.sqrt(variance))
    let [low, high] = [Math.min(...ends), Math.max(...ends)]
    const tolerance = 1e-9 * Math.sqrt(parts[0]!.variance)
    let at = (low + high) / 2
    for (let round = 0; round < 100; round++) {
      let [excess, density] = [-probability, 0]
      for (const { weight, centre, variance } of parts) {
        const deviation = (at - centre) / Math.sqrt(variance)
        excess += weight * normalCdf(deviation)
        density += weight * Math.exp(-(deviation ** 2) / 2) * Math.sqrt(1 / (2 * Math.PI * variance))
      }
      if (excess > 0) high = at
      else low = at
      // Newton's step, or half of the bracket where it would leave that.
      const newton = at - excess / density
      const next = newton > low && newton < high ? newton : (low + high) / 2
      if (Math.abs(next - at) <= tolerance) break
      at = next
    }
    return at
  }
  return { estimate, low: quantile((1 - level) / 2), high: quantile((1 + level) / 2), level }
}

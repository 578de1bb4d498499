import { checkProbability } from './interval.ts'
import { normalCdf, normalQuantile } from './normal.ts'

export interface NonInferiorityDesign {
  /** The loss that would still be accepted, as a share (0.05: five points). */
  margin: number
  /** Share of items on which exactly one of the two succeeds. */
  discordance: number
  /** One-sided. Default 0.05. */
  alpha?: number
  /** Default 0.8. */
  power?: number
  /** True proportion of A minus that of B; must lie above -margin. Default 0. */
  difference?: number
}

/**
 * Gives the number of paired items that a non-inferiority comparison of two proportions needs.
 *
 * n = (z_alpha + z_power)^2 (discordance - difference^2) / (margin + difference)^2, rounded to the nearest item: the
 * normal approximation behind it is coarser than one item.
 * Source: Lu and Bean 1995, "On the sample size for one-sided equivalence of sensitivities based upon McNemar's test";
 * Liu, Hsueh, Hsieh and Chen 2002, "Tests for equivalence or non-inferiority for paired binary data".
 */
export function itemsForNonInferiority(design: NonInferiorityDesign): number {
  const { margin, discordance, alpha = 0.05, power = 0.8, difference = 0 } = design
  checkProbability(margin, 'margin')
  checkDesign(discordance, difference, alpha, power)
  if (difference <= -margin) {
    throw new RangeError(
      `A true difference of ${difference} is not within the margin of ${margin}: no number settles it.`,
    )
  }
  const z = normalQuantile(1 - alpha) + normalQuantile(power)
  return Math.max(1, Math.round((z * z * (discordance - difference ** 2)) / (margin + difference) ** 2))
}

/**
 * Gives the number of paired items that show equivalence of two proportions within a margin, by two one-sided tests.
 * `difference` is the true one, within the margin; the formula is that of `itemsForNonInferiority` with the missed power
 * divided over both sides. Rounded to the nearest item.
 * Source: Liu, Hsueh, Hsieh and Chen 2002, "Tests for equivalence or non-inferiority for paired binary data".
 */
export function itemsForEquivalence(design: NonInferiorityDesign): number {
  const { margin, discordance, alpha = 0.05, power = 0.8, difference = 0 } = design
  checkProbability(margin, 'margin')
  checkDesign(discordance, difference, alpha, power)
  if (Math.abs(difference) >= margin) {
    throw new RangeError(
      `A true difference of ${difference} is not within the margin of ${margin}: no number settles it.`,
    )
  }
  const deviation = Math.sqrt(discordance - difference ** 2)
  const z = normalQuantile(1 - alpha)
  const missed = (n: number) =>
    normalCdf(z - ((margin - difference) * Math.sqrt(n)) / deviation) +
    normalCdf(z - ((margin + difference) * Math.sqrt(n)) / deviation)
  // Between the number for one side, and that for each side with half of the missed power.
  const least = (((z + normalQuantile(power)) * deviation) / (margin - Math.abs(difference))) ** 2
  const most = (((z + normalQuantile((1 + power) / 2)) * deviation) / (margin - Math.abs(difference))) ** 2
  let [low, high] = [least, most]
  while (high - low > 1e-3) {
    const middle = (low + high) / 2
    if (missed(middle) > 1 - power) low = middle
    else high = middle
  }
  return Math.max(1, Math.round(high))
}

export interface MeansDesign {
  /** Standard deviation of the per-item differences. */
  deviation: number
  /** The loss that would still be accepted, in the unit of the differences; 0 (the default) asks for a gain. */
  margin?: number
  /** True mean of the differences; must lie above -margin. Default 0. */
  difference?: number
  /** One-sided. Default 0.05. */
  alpha?: number
  /** Default 0.8. */
  power?: number
}

/**
 * Gives the number of items at which a mean of per-item differences is shown to lie above -margin, rounded up.
 *
 * n = ((z_alpha + z_power) deviation / (margin + difference))^2 + z_alpha^2 / 2, the last term for the unknown variance.
 * For equivalence at a true difference of 0, ask for (1 + power) / 2. Source: Guenther 1981, "Sample Size Formulas for Normal
 * Theory T Tests".
 */
export function itemsForMeans(design: MeansDesign): number {
  const { deviation, margin = 0, difference = 0, alpha = 0.05, power = 0.8 } = design
  checkProbability(alpha, 'alpha')
  checkProbability(power, 'power')
  if (!(deviation > 0 && Number.isFinite(deviation))) {
    throw new RangeError(`The standard deviation must be a finite number above 0, got ${deviation}.`)
  }
  const distance = margin + difference
  if (!(distance > 0)) {
    throw new RangeError(`A true difference of ${difference} is not above ${-margin}: no number settles it.`)
  }
  const z = normalQuantile(1 - alpha)
  return Math.ceil((((z + normalQuantile(power)) * deviation) / distance) ** 2 + (z * z) / 2)
}

export interface PairedDifferenceDesign {
  /** True difference of the two proportions; its sign does not matter. */
  difference: number
  /** Share of items on which exactly one of the two succeeds, at least |difference|. */
  discordance: number
  /** Two-sided. Default 0.05. */
  alpha?: number
  /** Default 0.8. */
  power?: number
}

/**
 * Gives the number of paired items at which McNemar's test finds a difference of two proportions, rounded up.
 *
 * n = (z_(alpha/2) sqrt(discordance) + z_power sqrt(discordance - difference^2))^2 / difference^2.
 * Source: Connor 1987, "Sample size for testing differences in proportions for the paired-sample design".
 */
export function itemsForPairedDifference(design: PairedDifferenceDesign): number {
  const { difference, discordance, alpha = 0.05, power = 0.8 } = design
  checkDesign(discordance, difference, alpha, power)
  if (difference === 0) throw new RangeError('A difference of 0 cannot be found by any number of items.')
  const underNull = normalQuantile(1 - alpha / 2) * Math.sqrt(discordance)
  const underTruth = normalQuantile(power) * Math.sqrt(discordance - difference ** 2)
  return Math.ceil(((underNull + underTruth) / difference) ** 2)
}

export interface IndependentDifferenceDesign {
  /** The two true proportions. */
  first: number
  second: number
  /** The value of first − second that is to be told from the true one. */
  margin: number
  /** One-sided. Default 0.05. */
  alpha?: number
  /** Default 0.8. */
  power?: number
}

/**
 * Gives the number of items that each of two independent samples needs to tell their difference from a margin, rounded up.
 *
 * n = (z_alpha + z_power)^2 (p1 (1 − p1) + p2 (1 − p2)) / (p1 − p2 − margin)^2.
 * Source: Chow, Shao and Wang 2008, "Sample Size Calculations in Clinical Research", section 4.2. Throws a RangeError
 * when the difference is the margin: no number tells them apart.
 */
export function itemsForIndependentDifference(design: IndependentDifferenceDesign): number {
  const { first, second, margin, alpha = 0.05, power = 0.8 } = design
  checkProbability(alpha, 'alpha')
  checkProbability(power, 'power')
  for (const share of [first, second]) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`A proportion lies between 0 and 1, got ${share}.`)
  }
  const distance = first - second - margin
  if (distance === 0) throw new RangeError(`A difference of ${margin} cannot be told from itself.`)
  const z = normalQuantile(1 - alpha) + normalQuantile(power)
  return Math.ceil(((first * (1 - first) + second * (1 - second)) * z * z) / distance ** 2)
}

/** Throws a RangeError for an impossible design of a paired comparison. */
export function checkDesign(discordance: number, difference: number, alpha: number, power = 0.8): void {
  checkProbability(alpha, 'alpha')
  checkProbability(power, 'power')
  if (!(discordance > 0 && discordance <= 1)) {
    throw new RangeError(`The share of discordant items must be above 0 and at most 1, got ${discordance}.`)
  }
  if (Math.abs(difference) > discordance) {
    throw new RangeError(
      `A difference of ${difference} needs at least as many discordant items, not ${discordance}.`,
    )
  }
}

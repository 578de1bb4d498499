import { checkOneSided } from './decision.ts'
import { checkCount, checkProbability } from './interval.ts'
import { normalQuantile } from './normal.ts'
import { bothProbability, regionProbability, scoreRegion } from './paired-region.ts'
import { checkDesign, type NonInferiorityDesign, type PairedDifferenceDesign } from './sample-size.ts'

type At<Design> = Omit<Design, 'power'> & { n: number }

/**
 * Gives the probability that n paired items show non-inferiority, exactly, by summing over the outcomes that pass.
 * They are those of Tango's score test at alpha; `nonInferiority` passes on at most a hundredth fewer at the planned numbers.
 * At a `difference` of -margin it is the false-alarm rate of the score test.
 */
export function powerOfNonInferiority(design: At<NonInferiorityDesign>): number {
  const { n, margin, discordance, alpha = 0.05, difference = 0 } = design
  checkOneSided(alpha)
  checkCount(n, 'items', 1)
  checkProbability(margin, 'margin')
  checkDesign(discordance, difference, alpha)
  return regionProbability(scoreRegion(n, -margin, normalQuantile(1 - alpha)), difference, discordance)
}

/** Gives the probability that n paired items show equivalence within the margin, exactly, like `powerOfNonInferiority`. */
export function powerOfEquivalence(design: At<NonInferiorityDesign>): number {
  const { n, margin, discordance, alpha = 0.05, difference = 0 } = design
  checkOneSided(alpha)
  checkCount(n, 'items', 1)
  checkProbability(margin, 'margin')
  checkDesign(discordance, difference, alpha)
  const region = scoreRegion(n, -margin, normalQuantile(1 - alpha))
  return bothProbability(region, region, difference, discordance)
}

/** Gives the probability that McNemar's test (two-sided, without correction) finds the difference in n paired items, exactly. */
export function powerOfPairedDifference(design: At<PairedDifferenceDesign>): number {
  const { n, difference, discordance, alpha = 0.05 } = design
  checkCount(n, 'items', 1)
  checkDesign(discordance, difference, alpha)
  const region = scoreRegion(n, 0, normalQuantile(1 - alpha / 2))
  return (
    regionProbability(region, difference, discordance) + regionProbability(region, -difference, discordance)
  )
}

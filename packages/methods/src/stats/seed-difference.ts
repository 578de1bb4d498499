import { checkOneSided, type Decision, decideEquivalence } from './decision.ts'
import { checkProbability, type Interval } from './interval.ts'
import { normalQuantile } from './normal.ts'
import { studentQuantile } from './student.ts'

export interface SeedDifference extends Interval {
  /** Items, and trainings whose mean is compared. */
  items: number
  seeds: number
  /** Standard deviation of a training's mean over seeds, as seen on these items: of both kinds of noise. */
  seedDeviation: number
  /** Standard error of the difference from the items alone. */
  itemError: number
}

/**
 * Gives the mean score of several trainings minus that of a single one, all on the same items, with an interval that holds
 * the noise of items and of seeds, the single training's own seed too.
 *
 * The half width is the larger of two: Student's quantile with (seeds − 1) degrees of freedom times the standard error
 * s √(1 + 1/seeds), where s is the standard deviation of the trainings' means, and the normal quantile times the standard error
 * of the per-item differences. The first is exact where trainings differ by chance alone, and covers the noise of the items as
 * well, because every training meets it anew; the second holds where seeds hardly differ. It is never less than what no
 * differing item at all leaves open (Wilson 1927). In simulations with 3 to 10 seeds each side errs
 * (1 − level) / 2 or less, or a little more where seeds vary by 5 points beside a ceiling (bench/seed-interval.ts).
 *
 * `single`: [items]; `trainings`: [seeds][items]; scores of any scale from 0 to 1.
 * Sources: the interval for one further observation, Hahn and Meeker 1991, "Statistical Intervals"; seeds as a sample of
 * trainings, Bouthillier et al. 2021, "Accounting for Variance in Machine Learning Benchmarks".
 * Throws a RangeError for fewer than 2 trainings or 2 items, and for lists of different lengths.
 */
export function seedDifference(
  single: readonly number[],
  trainings: readonly (readonly number[])[],
  level = 0.9,
): SeedDifference {
  const items = single.length
  const seeds = trainings.length
  if (seeds < 2 || items < 2) {
    throw new RangeError(`At least 2 trainings and 2 items are needed, got ${seeds} and ${items}.`)
  }
  if (trainings.some((scores) => scores.length !== items)) {
    throw new RangeError('Every training must have a score for each item.')
  }
  const differences = single.map((score, item) => {
    const sum = trainings.reduce((total, scores) => total + scores[item]!, 0)
    return sum / seeds - score
  })
  const estimate = meanOf(differences)
  const seedDeviation = Math.sqrt(varianceOf(trainings.map(meanOf)))
  const itemError = Math.sqrt(varianceOf(differences) / items)
  const half = halfWidth({ items, seeds, seedDeviation, itemError }, level)
  return {
    estimate,
    low: estimate - half,
    high: estimate + half,
    level,
    items,
    seeds,
    seedDeviation,
    itemError,
  }
}

export interface SeedEquivalence extends SeedDifference {
  outcome: Decision['outcome']
}

/**
 * Decides whether trainings and a single one differ by less than `margin`, by two one-sided tests on the interval of
 * `seedDifference`: `pass` within it, `fail` outside of it on one side. The margin is declared before the comparison.
 * Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach".
 */
export function seedEquivalence(
  single: readonly number[],
  trainings: readonly (readonly number[])[],
  margin: number,
  alpha = 0.05,
): SeedEquivalence {
  checkProbability(margin, 'margin')
  checkOneSided(alpha)
  const difference = seedDifference(single, trainings, 1 - 2 * alpha)
  return { ...difference, outcome: decideEquivalence(difference, margin).outcome }
}

export type SeedNoise = Pick<SeedDifference, 'items' | 'seeds' | 'seedDeviation' | 'itemError'>

/** Half the width of the interval for such noise. */
export function halfWidth({ items, seeds, seedDeviation, itemError }: SeedNoise, level: number): number {
  const p = (1 + level) / 2
  const z = normalQuantile(p)
  const ofSeeds = studentQuantile(p, seeds - 1) * seedDeviation * Math.sqrt(1 + 1 / seeds)
  return Math.max(ofSeeds, z * itemError, (z * z) / (items + z * z))
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values)
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
}

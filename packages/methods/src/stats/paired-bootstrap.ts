import { Random } from '../random.ts'
import { bcaInterval } from './bca.ts'
import { checkCount, checkProbability, type Interval } from './interval.ts'
import { type Units, unitsOf } from './units.ts'

export interface BootstrapOptions {
  seed: number | bigint
  /** Default 10,000. */
  resamples?: number
  /** Default 0.95. */
  level?: number
}

export interface PairedBootstrapOptions extends BootstrapOptions {
  /** For each difference the user, conversation or document it comes from. Default: each item is its own. */
  clusters?: readonly (string | number)[]
}

/**
 * Gives the mean of per-item score differences with a bootstrap interval, corrected for bias and skewness (BCa).
 *
 * The units that are drawn again are the items or, where `clusters` are named, whole clusters with all their items;
 * they must be independent. With few clusters (below about 20) the interval is too narrow. Units that are all equal
 * give an interval without width, which says nothing about unseen items: treat it as not enough data.
 * Throws a RangeError for fewer than two differences or clusters, or a difference that is not finite.
 * Source: Efron 1987, "Better Bootstrap Confidence Intervals"; clusters: Field and Welsh 2007, "Bootstrapping clustered
 * data".
 */
export function pairedBootstrap(differences: readonly number[], options: PairedBootstrapOptions): Interval {
  const { seed, resamples = 10_000, level = 0.95, clusters } = options
  checkCount(resamples, 'resamples', 100)
  checkProbability(level, 'confidence level')
  const units = unitsOf(differences, clusters)
  const estimate = total(units.sums) / differences.length
  const influences = jackknifeInfluences(units, estimate)
  // Equal differences of 0.1 do not add up to exactly their number times 0.1.
  const rounding = 1e-10 * units.sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), 0)
  if (influences.every((influence) => Math.abs(influence) <= rounding)) {
    return { estimate, low: estimate, high: estimate, level }
  }
  return bcaInterval(estimate, resampledMeans(units, resamples, seed), acceleration(influences), level)
}

function resampledMeans({ sums, sizes }: Units, resamples: number, seed: number | bigint): Float64Array {
  const random = new Random(seed, 'paired-bootstrap')
  const count = sums.length
  return Float64Array.from({ length: resamples }, () => {
    let [sum, size] = [0, 0]
    for (let draw = 0; draw < count; draw++) {
      const unit = random.integer(count)
      sum += sums[unit]!
      size += sizes[unit]!
    }
    return sum / size
  })
}

/** How far the mean moves towards each unit: its mean without the unit, less the estimate, mirrored; not scaled. */
function jackknifeInfluences({ sums, sizes }: Units, estimate: number): Float64Array {
  const all = total(sizes)
  return sums.map((sum, i) => ((sum - sizes[i]! * estimate) * all) / (all - sizes[i]!))
}

function acceleration(influences: Float64Array): number {
  const centre = total(influences) / influences.length
  let [squares, cubes] = [0, 0]
  for (const influence of influences) {
    squares += (influence - centre) ** 2
    cubes += (influence - centre) ** 3
  }
  return cubes / (6 * squares ** 1.5)
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}

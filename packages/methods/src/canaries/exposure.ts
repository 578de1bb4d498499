// Exposure: Carlini et al. 2019, "The Secret Sharer". With a secret ranked r by the model's log-probability among m
// alternatives drawn from the same space, r = 1 the most likely:
//   exposure = log2(m + 1) − log2 r                                 bits
// A model that has never met the secret ranks it anywhere with the same probability, so r / (m + 1) is a p-value, and
// Fisher's method combines those of k canaries: T = Σ −ln(r / (m + 1)) is at most Gamma(k, 1) distributed.

/** Rank of a secret among its alternatives, 1 the most likely; one that is as likely counts as better. */
export function rankOf(score: number, alternatives: readonly number[]): number {
  return 1 + alternatives.filter((other) => other >= score).length
}

/** Exposure of a secret of this rank among so many alternatives, in bits: 0 to log2(alternatives + 1). */
export function exposure(rank: number, alternatives: number): number {
  checkRank(rank, alternatives)
  return Math.log2(alternatives + 1) - Math.log2(rank)
}

export interface ExposureTest {
  /** Mean over the canaries, in bits; 1.44 (1 / ln 2) is expected of a model that has never met them. */
  meanExposure: number
  /** Probability of ranks this good if the model has never met the secrets. */
  pValue: number
}

/** Tests whether a model knows canaries, by their ranks among as many alternatives each. Throws a RangeError for none. */
export function exposureTest(ranks: readonly number[], alternatives: number): ExposureTest {
  if (ranks.length === 0) throw new RangeError('An exposure test needs at least one canary.')
  for (const rank of ranks) checkRank(rank, alternatives)
  const statistic = ranks.reduce((sum, rank) => sum - Math.log(rank / (alternatives + 1)), 0)
  return {
    meanExposure: statistic / Math.LN2 / ranks.length,
    pValue: gammaTail(ranks.length, statistic),
  }
}

/**
 * How many canaries show a mean exposure of so many bits with this power, where exposures are spread exponentially.
 * Throws a RangeError for a mean that is not above that of a model which has never met them.
 */
export function canariesNeeded(design: { meanExposure: number; alpha: number; power: number }): number {
  const { meanExposure, alpha, power } = design
  const scale = meanExposure * Math.LN2
  if (!(scale > 1)) throw new RangeError(`A mean exposure of ${meanExposure} bits is what chance gives.`)
  for (let count = 1; count < 10_000; count++) {
    if (gammaTail(count, criticalValue(count, alpha) / scale) >= power) return count
  }
  throw new RangeError(`No number of canaries below 10,000 shows ${meanExposure} bits.`)
}

/** P(X ≥ x) of a Gamma(k, 1) variable with a whole k: e^−x Σ_{j<k} x^j / j!. */
export function gammaTail(k: number, x: number): number {
  let term = Math.exp(-x)
  let sum = 0
  for (let j = 0; j < k; j++) {
    sum += term
    term *= x / (j + 1)
  }
  return Math.min(1, sum)
}

function criticalValue(count: number, alpha: number): number {
  let [low, high] = [0, count + 10 * Math.sqrt(count) + 50]
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2
    if (gammaTail(count, middle) > alpha) low = middle
    else high = middle
  }
  return high
}

function checkRank(rank: number, alternatives: number): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > alternatives + 1) {
    throw new RangeError(
      `A rank among ${alternatives} alternatives is 1 to ${alternatives + 1}, got ${rank}.`,
    )
  }
}

import { normalCdf, normalQuantile } from './normal.ts'

export interface ConjunctionPower {
  /** If every two tests correlate as stated (0: independent, the product of the powers). */
  power: number
  /** Fréchet's bounds: what holds however the tests depend on one another. */
  atLeast: number
  atMost: number
}

/**
 * Gives the probability that all tests of an intersection–union test pass, from the power of each.
 *
 * `correlation`, from 0 up to and without 1, is that between the normal scores of every two tests: those of the same items correlate.
 * Throws a RangeError without parts, or for a power beyond 0 to 1.
 * Sources: Berger 1982, "Multiparameter Hypothesis Testing and Acceptance Sampling"; Fréchet 1935; one common factor as in
 * Dunnett and Sobel 1955.
 */
export function conjunctionPower(parts: readonly number[], correlation = 0): ConjunctionPower {
  if (parts.length === 0) throw new RangeError('A conjunction needs at least one part.')
  for (const part of parts) {
    if (!(part >= 0 && part <= 1)) throw new RangeError(`A power lies between 0 and 1, got ${part}.`)
  }
  if (!(correlation >= 0 && correlation < 1)) {
    throw new RangeError(`The correlation must be at least 0 and below 1, got ${correlation}.`)
  }
  const sum = parts.reduce((total, part) => total + part, 0)
  const atMost = Math.min(...parts)
  return { power: jointPower(parts, correlation), atLeast: Math.max(0, sum - (parts.length - 1)), atMost }
}

function jointPower(parts: readonly number[], correlation: number): number {
  if (parts.includes(0)) return 0
  const unsure = parts.filter((part) => part < 1)
  if (correlation === 0) return unsure.reduce((product, part) => product * part, 1)
  const scores = unsure.map(normalQuantile)
  const own = Math.sqrt(1 - correlation)
  // The trapezoidal rule converges exponentially for such an integrand.
  const step = Math.min(0.05, own / 4)
  let [sum, weight] = [0, 0]
  for (let factor = -9; factor <= 9; factor += step) {
    const density = Math.exp((-factor * factor) / 2)
    weight += density
    sum += scores.reduce(
      (product, score) => product * normalCdf((score + Math.sqrt(correlation) * factor) / own),
      density,
    )
  }
  return sum / weight
}

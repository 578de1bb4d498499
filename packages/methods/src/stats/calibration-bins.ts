import { checkCount } from './interval.ts'

/** Throws a RangeError unless there is a probability from 0 to 1 for each outcome, two of them or more. */
export function checkForecasts(probabilities: readonly number[], correct: readonly boolean[]): void {
  checkCount(probabilities.length, 'forecasts', 2)
  if (correct.length !== probabilities.length) {
    throw new RangeError(`There are ${probabilities.length} probabilities and ${correct.length} outcomes.`)
  }
  const wrong = probabilities.find((probability) => !(probability >= 0 && probability <= 1))
  if (wrong !== undefined) throw new RangeError(`A probability lies between 0 and 1, got ${wrong}.`)
}

/**
 * Sorts items by probability into at most `count` bins of about equal numbers, at least two items each; gives the bin of
 * each item. Items of equal probability share a bin, so that the order of the input does not matter.
 */
export function equalMassBins(probabilities: readonly number[], count: number): Int32Array {
  const n = probabilities.length
  const order = [...probabilities.keys()].sort((a, b) => probabilities[a]! - probabilities[b]!)
  const bins = new Int32Array(n)
  let [bin, size, place] = [0, 0, 0]
  for (const [i, item] of order.entries()) {
    const isTied = i > 0 && probabilities[item] === probabilities[order[i - 1]!]
    const due = Math.floor((i * count) / n)
    if (due > place && !isTied && size >= 2 && n - i >= 2) {
      place = due
      bin++
      size = 0
    }
    bins[item] = bin
    size++
  }
  return bins
}

/** Gives the bin of each item among `count` bins of equal width; the last one contains 1. */
export function equalWidthBins(probabilities: readonly number[], count: number): Int32Array {
  return Int32Array.from(probabilities, (probability) => Math.min(count - 1, Math.floor(probability * count)))
}

/** What a calibration error needs of each bin. */
export interface BinSums {
  sizes: Float64Array
  /** Sums of the probabilities. */
  forecasts: Float64Array
  correct: Float64Array
}

export function sumBins(
  bins: Int32Array,
  probabilities: readonly number[],
  correct: readonly boolean[],
): BinSums {
  const count = bins.reduce((most, bin) => Math.max(most, bin), 0) + 1
  const sums = {
    sizes: new Float64Array(count),
    forecasts: new Float64Array(count),
    correct: new Float64Array(count),
  }
  for (const [i, bin] of bins.entries()) {
    sums.sizes[bin]! += 1
    sums.forecasts[bin]! += probabilities[i]!
    sums.correct[bin]! += correct[i] ? 1 : 0
  }
  return sums
}

/** Mean squared gap, less what the chance of the outcomes adds to it; below 0 by chance. Kumar, Liang and Ma 2019. */
export function debiasedSquaredError({ sizes, forecasts, correct }: BinSums): number {
  let [sum, n] = [0, 0]
  for (let bin = 0; bin < sizes.length; bin++) {
    const size = sizes[bin]!
    const share = correct[bin]! / size
    sum += size * ((forecasts[bin]! / size - share) ** 2 - (share * (1 - share)) / (size - 1))
    n += size
  }
  return sum / n
}

/** Mean squared gap, with what chance adds to it. */
export function squaredError({ sizes, forecasts, correct }: BinSums): number {
  let [sum, n] = [0, 0]
  for (let bin = 0; bin < sizes.length; bin++) {
    sum += (forecasts[bin]! - correct[bin]!) ** 2 / sizes[bin]!
    n += sizes[bin]!
  }
  return sum / n
}

/** Mean absolute gap. Naeini, Cooper and Hauskrecht 2015. */
export function absoluteError({ sizes, forecasts, correct }: BinSums): number {
  let [sum, n] = [0, 0]
  for (let bin = 0; bin < sizes.length; bin++) {
    sum += Math.abs(forecasts[bin]! - correct[bin]!)
    n += sizes[bin]!
  }
  return sum / n
}

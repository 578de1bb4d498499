import { checkCount } from './interval.ts'

export interface TemperatureScaling {
  /** Divide the logits by it: above 1 makes probabilities less sure. */
  temperature: number
  /** Mean negative log-likelihood (nats) of the labels at temperature 1 and at the fitted one. */
  before: number
  after: number
  /** False where the best temperature lies beyond 0.01 or 100: labels that are all the most likely class, or unrelated. */
  converged: boolean
}

const LARGEST = Math.log(100)

/**
 * Fits the one temperature at which softmax(logits / T) gives the labels the highest likelihood.
 *
 * `logits`: for each item one finite number per class, or logs of its probabilities; a single confidence p is the two classes
 * ln p and ln(1 − p). `labels`: the index of the right class. Fit on items that are not used to judge the calibration.
 * The likelihood is log-concave in 1/T, so the root of its slope is unique: Newton's steps, halving where they leave the bracket.
 * Throws a RangeError without items, for rows of different lengths, or a label that is not a class.
 * Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
 */
export function temperatureScaling(
  logits: readonly (readonly number[])[],
  labels: readonly number[],
): TemperatureScaling {
  checkItems(logits, labels)
  const at = (logScale: number) => likelihood(logits, labels, Math.exp(logScale))
  let [low, high] = [-LARGEST, LARGEST]
  let logScale = 0
  const before = at(0).loss
  const result = (converged: boolean): TemperatureScaling => {
    return { temperature: Math.exp(-logScale), before, after: at(logScale).loss, converged }
  }
  const slopeAtLow = at(low).slope
  // Rows of equal logits: every temperature is as good.
  if (slopeAtLow === 0) return result(false)
  if (slopeAtLow > 0 || at(high).slope <= 0) {
    logScale = slopeAtLow > 0 ? low : high
    return result(false)
  }
  for (let round = 0; round < 100 && high - low > 1e-12; round++) {
    const { slope, curvature } = at(logScale)
    if (slope === 0) break
    if (slope > 0) high = logScale
    else low = logScale
    // d/d ln b of the loss is b times its slope.
    const scale = Math.exp(logScale)
    const bend = scale * scale * curvature + scale * slope
    const next = logScale - (scale * slope) / bend
    const moved = bend > 0 && next > low && next < high ? next : (low + high) / 2
    if (Math.abs(moved - logScale) < 1e-13) break
    logScale = moved
  }
  return result(true)
}

/** Mean loss at softmax(scale · logits), and its first and second derivative by the scale. */
function likelihood(logits: readonly (readonly number[])[], labels: readonly number[], scale: number) {
  let [loss, slope, curvature] = [0, 0, 0]
  for (const [i, row] of logits.entries()) {
    const label = row[labels[i]!]!
    const largest = Math.max(...row)
    let [total, first, second] = [0, 0, 0]
    for (const logit of row) {
      const weight = Math.exp(scale * (logit - largest))
      const gap = logit - label
      total += weight
      first += weight * gap
      second += weight * gap * gap
    }
    const mean = first / total
    loss += Math.log(total) + scale * (largest - label)
    slope += mean
    curvature += second / total - mean * mean
  }
  const n = logits.length
  return { loss: loss / n, slope: slope / n, curvature: curvature / n }
}

function checkItems(logits: readonly (readonly number[])[], labels: readonly number[]): void {
  checkCount(logits.length, 'items', 1)
  if (labels.length !== logits.length) {
    throw new RangeError(`There are ${logits.length} rows of logits and ${labels.length} labels.`)
  }
  const classes = logits[0]!.length
  checkCount(classes, 'classes', 2)
  for (const [i, row] of logits.entries()) {
    if (row.length !== classes || !row.every(Number.isFinite)) {
      throw new RangeError(`Item ${i} needs ${classes} finite logits.`)
    }
    if (row[labels[i]!] === undefined) {
      throw new RangeError(`Item ${i} has the label ${labels[i]}, which is none of ${classes} classes.`)
    }
  }
}

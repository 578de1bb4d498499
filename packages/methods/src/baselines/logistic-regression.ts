import { CharTfidf, type CharTfidfOptions, type SparseVector } from '../text/char-tfidf.ts'
import { type Classifier, checkExamples } from './classifier.ts'
import { minimizeLbfgs } from './lbfgs.ts'

export interface LogisticRegressionOptions extends CharTfidfOptions {
  /** Weight of the data against the L2 penalty, scikit-learn's C. Default 10. */
  inverseRegularization?: number
  /** Stop when no component of the gradient of the mean loss is larger. Default 1e-6. */
  tolerance?: number
  /** Default 1,000. */
  maximumIterations?: number
}

/**
 * Fits multinomial logistic regression on character TF-IDF vectors and answers with the most probable label.
 *
 * Minimises the mean cross-entropy plus |W|^2 / (2 C n) over weights W and unpenalised intercepts, the objective of
 * scikit-learn's `LogisticRegression`, by L-BFGS from zero: deterministic. Throws an Error when it does
 * not converge. Source: Cox 1958; Böhning 1992, "Multinomial logistic regression algorithm".
 */
export function fitLogisticRegression(
  texts: readonly string[],
  labels: readonly string[],
  options: LogisticRegressionOptions = {},
): Classifier {
  checkExamples(texts, labels)
  const { inverseRegularization = 10, tolerance = 1e-6, maximumIterations = 1000 } = options
  if (!(inverseRegularization > 0)) {
    throw new RangeError(`The inverse regularization must be above 0, got ${inverseRegularization}.`)
  }
  const classes = [...new Set(labels)].sort()
  const position = new Map(classes.map((label, index) => [label, index]))
  const vectorizer = new CharTfidf(texts, options)
  const rows = texts.map((text) => vectorizer.transform(text))
  const targets = labels.map((label) => position.get(label)!)

  // One block of class weights per feature, the intercepts as the last block.
  const weights = new Float64Array((vectorizer.size + 1) * classes.length)
  const penalty = 1 / (inverseRegularization * rows.length)
  const { converged } = minimizeLbfgs(
    (point, gradient) => meanLoss(point, gradient, rows, targets, classes.length, penalty),
    weights,
    { tolerance, maximumIterations },
  )
  if (!converged) {
    throw new Error(`Logistic regression did not reach ${tolerance} in ${maximumIterations} iterations.`)
  }
  const predictOne = (text: string): string => {
    const scores = scoresOf(weights, vectorizer.transform(text), classes.length)
    let best = 0
    for (let index = 1; index < scores.length; index++) if (scores[index]! > scores[best]!) best = index
    return classes[best]!
  }
  return { predict: (asked) => asked.map(predictOne) }
}

function meanLoss(
  weights: Float64Array,
  gradient: Float64Array,
  rows: SparseVector[],
  targets: number[],
  classes: number,
  penalty: number,
): number {
  const intercepts = weights.length - classes
  let squares = 0
  for (let at = 0; at < intercepts; at++) {
    squares += weights[at]! * weights[at]!
    gradient[at] = penalty * weights[at]!
  }
  gradient.fill(0, intercepts)
  let loss = 0
  for (const [number, row] of rows.entries()) {
    const residuals = scoresOf(weights, row, classes)
    loss += softmaxResiduals(residuals, targets[number]!)
    for (let index = 0; index < classes; index++) residuals[index]! /= rows.length
    for (let at = 0; at < row.indices.length; at++) {
      const block = row.indices[at]! * classes
      const value = row.values[at]!
      for (let index = 0; index < classes; index++) gradient[block + index]! += value * residuals[index]!
    }
    for (let index = 0; index < classes; index++) gradient[intercepts + index]! += residuals[index]!
  }
  return loss / rows.length + (penalty * squares) / 2
}

/** Turns scores into probabilities minus the one-hot target, in place, and returns the cross-entropy. */
function softmaxResiduals(scores: Float64Array, target: number): number {
  const highest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY)
  const own = scores[target]! - highest
  let sum = 0
  for (let index = 0; index < scores.length; index++) {
    scores[index] = Math.exp(scores[index]! - highest)
    sum += scores[index]!
  }
  for (let index = 0; index < scores.length; index++) scores[index]! /= sum
  scores[target]! -= 1
  return Math.log(sum) - own
}

function scoresOf(weights: Float64Array, row: SparseVector, classes: number): Float64Array {
  const scores = weights.slice(weights.length - classes)
  for (let at = 0; at < row.indices.length; at++) {
    const block = row.indices[at]! * classes
    const value = row.values[at]!
    for (let index = 0; index < classes; index++) scores[index]! += value * weights[block + index]!
  }
  return scores
}

import { minimizeLbfgs } from '../baselines/lbfgs.ts'
import { inverse } from './inverse.ts'

export interface BinaryLogistic {
  intercept: number
  /** For each feature: its coefficient and the standard error of it, from the inverse of the penalised information. */
  coefficients: { estimate: number; standardError: number }[]
  predict(features: readonly number[]): number
}

export interface BinaryLogisticOptions {
  /** Penalty λ/2·|w|² on the coefficients, not on the intercept. Default 1. */
  penalty?: number
  /** Without an intercept the model is P(true) = σ(w·x): for differences of two things in no order. Default true. */
  intercept?: boolean
}

/**
 * Fits P(target) = σ(b + w·x) by penalised maximum likelihood. Rows are observations, columns features; features should
 * have about the same scale. Throws a RangeError for no rows or rows of different lengths.
 * Source: Cox 1958, "The regression analysis of binary sequences"; ridge penalty of le Cessie and van Houwelingen 1992.
 */
export function fitBinaryLogistic(
  rows: readonly (readonly number[])[],
  targets: readonly boolean[],
  options: BinaryLogisticOptions = {},
): BinaryLogistic {
  const { penalty = 1, intercept = true } = options
  const width = rows[0]?.length
  if (width === undefined || rows.length !== targets.length || rows.some((row) => row.length !== width)) {
    throw new RangeError('A regression needs rows of one length, and a target for each.')
  }
  // The last weight is the intercept.
  const weights = new Float64Array(width + 1)
  const scoreOf = (row: readonly number[]) =>
    row.reduce((sum, value, at) => sum + value * weights[at]!, intercept ? weights[width]! : 0)
  minimizeLbfgs(
    (point, gradient) => {
      weights.set(point)
      gradient.fill(0)
      let loss = 0
      for (const [i, row] of rows.entries()) {
        const score = scoreOf(row)
        const signed = targets[i] ? score : -score
        loss += signed > 0 ? Math.log1p(Math.exp(-signed)) : Math.log1p(Math.exp(signed)) - signed
        const residual = logistic(score) - (targets[i] ? 1 : 0)
        for (let at = 0; at < width; at++) gradient[at]! += residual * row[at]!
        if (intercept) gradient[width]! += residual
      }
      for (let at = 0; at < width; at++) {
        loss += (penalty / 2) * point[at]! ** 2
        gradient[at]! += penalty * point[at]!
      }
      for (let at = 0; at <= width; at++) gradient[at]! /= rows.length
      return loss / rows.length
    },
    weights.slice(),
    { tolerance: 1e-8, maximumIterations: 500 },
  )
  const size = intercept ? width + 1 : width
  const information = Array.from({ length: size }, () => new Float64Array(size))
  for (const row of rows) {
    const p = logistic(scoreOf(row))
    const extended = intercept ? [...row, 1] : row
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) information[i]![j]! += p * (1 - p) * extended[i]! * extended[j]!
    }
  }
  for (let at = 0; at < width; at++) information[at]![at]! += penalty
  const covariance = inverse(information)
  return {
    intercept: weights[width]!,
    coefficients: Array.from({ length: width }, (_, at) => {
      // A feature that never varies has no information: its error is without bound.
      const variance = covariance ? Math.max(0, covariance[at]![at]!) : Number.POSITIVE_INFINITY
      return { estimate: weights[at]!, standardError: Math.sqrt(variance) }
    }),
    predict: (features) => logistic(scoreOf(features)),
  }
}

function logistic(score: number): number {
  return score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score))
}

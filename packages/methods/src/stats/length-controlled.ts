import { checkCount, checkProbability, type Interval } from './interval.ts'
import { inverse } from './inverse.ts'
import { normalQuantile } from './normal.ts'

export interface PairwiseJudgement {
  /** 1 where A is preferred, 0 where B is, 0.5 for a tie; a judge's probability is fine too. */
  preference: number
  /** Length of A's answer less that of B's, in any unit. */
  lengthDifference: number
}

export interface LengthControlledWinRate extends Interval {
  /** The plain share of preferences for A. */
  raw: number
  /** φ: what being much longer adds to the log odds of A, over answers of equal length. */
  lengthEffect: Interval
}

/**
 * Gives the share of judgements that would prefer A if the answers were of equal length, with an interval.
 *
 * logit P(A preferred) = θ + φ·tanh(difference / standard deviation of the differences); the rate is σ(θ). Fitted with Firth's
 * penalty, so it stays finite when A wins always or whenever it is longer. Judgements must be independent; the interval
 * is that of yes-or-no outcomes, thus a little wide where there are ties. Throws a RangeError for fewer than two judgements,
 * a preference outside 0 to 1, or when all differences are the same but not 0: length cannot then be told from merit.
 * Source: Dubois, Galambosi, Liang and Hashimoto 2024, "Length-Controlled AlpacaEval", without its difficulty of instructions;
 * Firth 1993, "Bias reduction of maximum likelihood estimates"; Heinze and Schemper 2002.
 */
export function lengthControlledWinRate(
  judgements: readonly PairwiseJudgement[],
  level = 0.95,
): LengthControlledWinRate {
  checkCount(judgements.length, 'judgements', 2)
  checkProbability(level, 'confidence level')
  for (const { preference, lengthDifference } of judgements) {
    if (!(preference >= 0 && preference <= 1))
      throw new RangeError(`A preference lies between 0 and 1, got ${preference}.`)
    if (!Number.isFinite(lengthDifference)) throw new RangeError('Every length difference must be finite.')
  }
  const n = judgements.length
  const centre = judgements.reduce((sum, { lengthDifference }) => sum + lengthDifference, 0) / n
  const spread = Math.sqrt(
    judgements.reduce((sum, { lengthDifference }) => sum + (lengthDifference - centre) ** 2, 0) / n,
  )
  if (spread <= 1e-12 * Math.abs(centre) && centre !== 0) {
    throw new RangeError(
      'All answers differ by the same length: it cannot be told from merit. Use the plain rate.',
    )
  }
  const rows = judgements.map(({ lengthDifference }) =>
    spread === 0 ? [1] : [1, Math.tanh(lengthDifference / spread)],
  )
  const preferences = judgements.map(({ preference }) => preference)
  const { point, covariance } = fitFirth(rows, preferences)
  const z = normalQuantile((1 + level) / 2)
  const half = z * Math.sqrt(covariance[0]![0]!)
  const halfOfEffect = spread === 0 ? Number.POSITIVE_INFINITY : z * Math.sqrt(covariance[1]![1]!)
  const effect = point[1] ?? 0
  return {
    estimate: logistic(point[0]!),
    low: logistic(point[0]! - half),
    high: logistic(point[0]! + half),
    level,
    raw: preferences.reduce((sum, preference) => sum + preference, 0) / n,
    lengthEffect: { estimate: effect, low: effect - halfOfEffect, high: effect + halfOfEffect, level },
  }
}

/** Logistic regression whose score is corrected by the leverages: y − p + h·(½ − p). Finite for every data set. */
function fitFirth(rows: readonly (readonly number[])[], targets: readonly number[]) {
  const width = rows[0]!.length
  let point = Array<number>(width).fill(0)
  for (let round = 0; ; round++) {
    const predicted = rows.map((row) => logistic(dot(row, point)))
    const information = Array.from({ length: width }, () => new Float64Array(width))
    for (const [i, row] of rows.entries()) {
      const weight = predicted[i]! * (1 - predicted[i]!)
      for (let a = 0; a < width; a++)
        for (let b = 0; b < width; b++) information[a]![b]! += weight * row[a]! * row[b]!
    }
    const covariance = inverse(information)
    if (!covariance) throw new RangeError('The judgements do not determine a rate.')
    const score = new Float64Array(width)
    for (const [i, row] of rows.entries()) {
      const p = predicted[i]!
      const leverage =
        p *
        (1 - p) *
        dot(
          row,
          covariance.map((line) => dot(row, line)),
        )
      const residual = targets[i]! - p + leverage * (0.5 - p)
      for (let a = 0; a < width; a++) score[a]! += residual * row[a]!
    }
    const step = covariance.map((line) => dot(score, line))
    // A step of at most 2 on the scale of log odds keeps the first ones from overshooting.
    const most = Math.max(...step.map(Math.abs))
    if (most < 1e-10 || round === 200) return { point, covariance }
    point = point.map((value, a) => value + step[a]! * Math.min(1, 2 / most))
  }
}

function logistic(score: number): number {
  return score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score))
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

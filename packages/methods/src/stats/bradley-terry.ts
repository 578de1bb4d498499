import { connectedGroups, type PairTally, tiesAreUnbounded } from './comparison-graph.ts'
import { checkProbability, type Interval } from './interval.ts'
import { inverse } from './inverse.ts'
import { normalQuantile } from './normal.ts'

export interface Comparison {
  first: string
  second: string
  outcome: 'first' | 'second' | 'tie'
}

export interface BradleyTerryOptions {
  /** The player whose strength is 0. Without one, the strengths add up to 0. */
  reference?: string
  /** Default 0.95. */
  level?: number
}

export type BradleyTerry =
  | {
      kind: 'estimates'
      /** Log strengths, in the order in which the players first appear. */
      players: (Interval & { name: string })[]
      /** ln ν: equal players tie with probability ν / (2 + ν). Absent where nobody tied. */
      ties?: Interval
    }
  | {
      kind: 'unbounded'
      /** `groups`: players of one group were never beaten, or not even met, by those of a later one. `ties`: too few wins. */
      cause: 'groups' | 'ties'
      groups: string[][]
    }

/**
 * Fits strengths to comparisons: P(i beats j) is proportional to π_i, P(j beats i) to π_j, P(tie) to ν·√(π_i·π_j).
 *
 * Intervals come from the observed information; a difference of two players is that of one with the other as reference.
 * Without a finite maximum of the likelihood the answer is `unbounded`. Comparisons must be independent. Throws a RangeError
 * without comparisons, for a player compared with itself, or a reference that was never compared.
 * Source: Bradley and Terry 1952; ties: Davidson 1970, "On Extending the Bradley–Terry Model to Accommodate Ties in Paired
 * Comparison Experiments"; fitted by Newton's method, the likelihood is log-concave.
 */
export function bradleyTerry(
  comparisons: readonly Comparison[],
  options: BradleyTerryOptions = {},
): BradleyTerry {
  const { reference, level = 0.95 } = options
  checkProbability(level, 'confidence level')
  if (comparisons.length === 0) throw new RangeError('Strengths need comparisons: there is none.')
  const names = [...new Set(comparisons.flatMap(({ first, second }) => [first, second]))]
  const origin = reference === undefined ? 0 : names.indexOf(reference)
  if (origin < 0) throw new RangeError(`The reference ${reference} was never compared.`)
  const pairs = tally(comparisons, names)
  const groups = connectedGroups(names.length, pairs)
  const named = groups.map((group) => group.map((player) => names[player]!))
  if (groups.length > 1) return { kind: 'unbounded', cause: 'groups', groups: named }
  const hasTies = pairs.some(({ ties }) => ties > 0)
  if (hasTies && tiesAreUnbounded(names.length, pairs)) {
    return { kind: 'unbounded', cause: 'ties', groups: named }
  }
  const { point, covariance } = maximize(pairs, names.length, origin, hasTies)
  const z = normalQuantile((1 + level) / 2)
  const around = (estimate: number, variance: number): Interval => {
    const half = z * Math.sqrt(Math.max(0, variance))
    return { estimate, low: estimate - half, high: estimate + half, level }
  }
  const strengths = point.subarray(0, names.length)
  const between = covariance.slice(0, names.length).map((row) => row.subarray(0, names.length))
  const centre = reference === undefined ? mean(strengths) : 0
  const rowMeans = between.map((row) => (reference === undefined ? mean(row) : 0))
  const players = names.map((name, i) => {
    const variance = between[i]![i]! - 2 * rowMeans[i]! + mean(rowMeans)
    return { name, ...around(strengths[i]! - centre, variance) }
  })
  if (!hasTies) return { kind: 'estimates', players }
  return { kind: 'estimates', players, ties: around(point.at(-1)!, covariance.at(-1)!.at(-1)!) }
}

function tally(comparisons: readonly Comparison[], names: readonly string[]): PairTally[] {
  const places = new Map(names.map((name, place) => [name, place]))
  const pairs = new Map<number, PairTally>()
  for (const comparison of comparisons) {
    const [one, other] = [places.get(comparison.first)!, places.get(comparison.second)!]
    if (one === other) throw new RangeError(`${comparison.first} cannot be compared with itself.`)
    const [first, second] = [Math.min(one, other), Math.max(one, other)]
    const key = first * names.length + second
    const pair = pairs.get(key) ?? { first, second, firstWins: 0, secondWins: 0, ties: 0 }
    pairs.set(key, pair)
    if (comparison.outcome === 'tie') pair.ties++
    else if ((comparison.outcome === 'first') === (one === first)) pair.firstWins++
    else pair.secondWins++
  }
  return [...pairs.values()]
}

/** Newton's method with halved steps. The point holds the strengths (that of `origin` stays 0) and, last, ln ν. */
function maximize(pairs: readonly PairTally[], players: number, origin: number, hasTies: boolean) {
  const size = players + (hasTies ? 1 : 0)
  const free = [...Array(size).keys()].filter((at) => at !== origin)
  let point = new Float64Array(size)
  let current = expand(pairs, point, players, hasTies)
  for (let round = 0; ; round++) {
    const reduced = inverse(free.map((i) => free.map((j) => current.information[i]![j]!)))
    if (!reduced) throw new RangeError('The comparisons do not determine the strengths.')
    const step = reduced.map((row) =>
      row.reduce((sum, value, j) => sum + value * current.score[free[j]!]!, 0),
    )
    const gain = step.reduce((sum, value, i) => sum + value * current.score[free[i]!]!, 0)
    if (gain < 1e-18 || round === 100) return { point, covariance: embed(reduced, free, size) }
    for (let length = 1; ; length /= 2) {
      const next = point.slice()
      for (const [i, at] of free.entries()) next[at]! += length * step[i]!
      const expanded = expand(pairs, next, players, hasTies)
      // Near the maximum a whole step changes the likelihood by less than it is rounded to.
      if (expanded.logLikelihood < current.logLikelihood && length > 1e-6 && gain > 1e-9) continue
      point = next
      current = expanded
      break
    }
  }
}

/** Log-likelihood, its gradient and its negative second derivatives at a point. */
function expand(pairs: readonly PairTally[], point: Float64Array, players: number, hasTies: boolean) {
  const score = new Float64Array(point.length)
  const information = Array.from(point, () => new Float64Array(point.length))
  let logLikelihood = 0
  for (const { first, second, firstWins, secondWins, ties } of pairs) {
    const half = (point[first]! - point[second]!) / 2
    const logTie = hasTies ? point[players]! : Number.NEGATIVE_INFINITY
    const largest = Math.max(Math.abs(half), logTie)
    const weights = [half, -half, logTie].map((value) => Math.exp(value - largest))
    const total = weights[0]! + weights[1]! + weights[2]!
    const [win, loss, tie] = [weights[0]! / total, weights[1]! / total, weights[2]! / total]
    const n = firstWins + secondWins + ties
    logLikelihood += (firstWins - secondWins) * half - n * (largest + Math.log(total))
    const surplus = (firstWins - secondWins - n * (win - loss)) / 2
    score[first]! += surplus
    score[second]! -= surplus
    const variance = (n * (win + loss - (win - loss) ** 2)) / 4
    information[first]![first]! += variance
    information[second]![second]! += variance
    information[first]![second]! -= variance
    information[second]![first]! -= variance
    if (!hasTies) continue
    logLikelihood += ties * logTie
    score[players]! += ties - n * tie
    information[players]![players]! += n * tie * (1 - tie)
    const cross = (-n * tie * (win - loss)) / 2
    for (const [player, sign] of [
      [first, 1],
      [second, -1],
    ] as const) {
      information[player]![players]! += sign * cross
      information[players]![player]! += sign * cross
    }
  }
  return { logLikelihood, score, information }
}

function embed(reduced: readonly Float64Array[], free: readonly number[], size: number): Float64Array[] {
  const whole = Array.from({ length: size }, () => new Float64Array(size))
  for (const [i, at] of free.entries()) {
    for (const [j, other] of free.entries()) whole[at]![other] = reduced[i]![j]!
  }
  return whole
}

function mean(values: ArrayLike<number> & Iterable<number>): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

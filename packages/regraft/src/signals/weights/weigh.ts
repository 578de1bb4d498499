import { capOfUsers, effectiveNumber } from '@regraft/methods'
import type { CompiledRow } from '../examples.ts'

/** A row counts at most so many times the mean for being improbable † (SPEC §7). */
const CLIP = 10
/** The effective number of users must be at least this share of the users † : heavier ones are weighed down to it. */
const USER_SHARE = 0.5
/** Below so many effective users it is said that they are few †. */
export const FEW_USERS = 10

/** What was done to the weights of a snapshot's examples. */
export interface WeightFindings {
  /** Rows whose probability of bearing feedback was estimated or logged. */
  rowsWithPropensity: number
  /** Of them those whose weight was clipped. */
  clipped: number
  /** Of all examples, by their weights. */
  effectiveSampleSize: number
  examples: number
  users: {
    known: number
    effective: number
    /** Rows that one user counts for at most; null where nobody had more. */
    cap: number | null
    /** So few that the examples are those of a handful of people. */
    few: boolean
  }
}

/**
 * Weighs rows by the inverse of the probability with which they came to bear their signal, relative to the mean and clipped
 * (Horvitz and Thompson 1952; stabilised as in Robins, Hernán and Brumback 2000), and caps what one user counts for. The
 * weights of all examples have mean 1. Where every weight is 1, none is set.
 */
export function weighRows<Row extends CompiledRow>(
  rows: readonly Row[],
): { rows: Row[]; findings: WeightFindings } {
  const inverses = rows.map(({ propensity }) => (propensity === undefined ? null : 1 / propensity))
  const known = inverses.filter((inverse) => inverse !== null)
  const mean = known.reduce((sum, inverse) => sum + inverse, 0) / known.length
  const counts = new Map<string, number>()
  for (const row of rows) {
    const user = userOf(row)
    if (user !== null) counts.set(user, (counts.get(user) ?? 0) + 1)
  }
  const perUser = [...counts.values()]
  const cap = perUser.length < 2 ? Number.POSITIVE_INFINITY : capOfUsers(perUser, USER_SHARE)
  let clipped = 0
  const raw = rows.map((row, i) => {
    const relative = inverses[i] === null ? 1 : inverses[i]! / mean
    if (relative > CLIP) clipped++
    const user = userOf(row)
    const share = user === null ? 1 : Math.min(1, cap / counts.get(user)!)
    return Math.min(relative, CLIP) * share
  })
  const perExample = rows.map(({ examples }, i) => examples.map(({ from }) => raw[i]! * (from?.weight ?? 1)))
  const all = perExample.flat()
  const scale = all.reduce((sum, weight) => sum + weight, 0) / all.length
  const rounded = perExample.map((weights) =>
    weights.map((weight) => Number((weight / scale).toPrecision(4))),
  )
  const isPlain = rounded.flat().every((weight) => weight === 1)
  return {
    rows: rows.map((row, i) => ({
      ...row,
      examples: row.examples.map((example, j) =>
        example.from
          ? { ...example, from: withWeight(example.from, isPlain ? undefined : rounded[i]![j]!) }
          : example,
      ),
    })),
    findings: {
      rowsWithPropensity: known.length,
      clipped,
      effectiveSampleSize: Number(effectiveNumber(all).toFixed(1)),
      examples: all.length,
      users: {
        known: counts.size,
        effective: Number(effectiveNumber(perUser).toFixed(1)),
        cap: perUser.some((count) => count > cap) ? Number(cap.toFixed(2)) : null,
        few: counts.size > 0 && effectiveNumber(perUser) < FEW_USERS,
      },
    },
  }
}

/** Whose words the row rests on: the end user, else who gave the feedback. */
export function userOf({ inference, feedback }: Pick<CompiledRow, 'inference' | 'feedback'>): string | null {
  return inference.subject ?? feedback[0]?.payload.author ?? null
}

function withWeight<From extends { weight?: number }>(
  { weight: _, ...from }: From,
  weight: number | undefined,
) {
  return weight === undefined ? from : { ...from, weight }
}

/** What a comparison of A with B on the same items says. */
export interface Decision {
  /** A minus B: a difference of proportions, or a mean of per-item differences. */
  difference: number
  /** Bounds of the difference, each of them one-sided at alpha. */
  low: number
  high: number
  /** `pass`: the items show it. `fail`: they show the opposite. `cannot-tell`: neither. */
  outcome: 'pass' | 'fail' | 'cannot-tell'
}

interface Bounds {
  estimate: number
  low: number
  high: number
}

/** A is better than B: `fail` when the bounds leave no room for any gain. */
export function decideSuperiority({ estimate, low, high }: Bounds): Decision {
  return { difference: estimate, low, high, outcome: low > 0 ? 'pass' : high <= 0 ? 'fail' : 'cannot-tell' }
}

/** A is worse than B by less than the margin: `fail` when it is worse by more. */
export function decideNonInferiority({ estimate, low, high }: Bounds, margin: number): Decision {
  const outcome = low > -margin ? 'pass' : high < -margin ? 'fail' : 'cannot-tell'
  return { difference: estimate, low, high, outcome }
}

/** A and B differ by less than the margin, either way: `fail` when the bounds lie outside of it on one side. */
export function decideEquivalence({ estimate, low, high }: Bounds, margin: number): Decision {
  const within = low > -margin && high < margin
  const outside = low > margin || high < -margin
  return { difference: estimate, low, high, outcome: within ? 'pass' : outside ? 'fail' : 'cannot-tell' }
}

/** Throws a RangeError unless an error probability of one side lies strictly between 0 and one half. */
export function checkOneSided(alpha: number): void {
  if (!(alpha > 0 && alpha < 0.5)) {
    throw new RangeError(`A one-sided alpha must lie between 0 and 0.5, got ${alpha}.`)
  }
}

/**
 * Shares of its capital that a gambler bets, equally many in each octave: about the best share for a true mean that lies
 * d above the doubted one is d times the range over the variance, and nobody knows it beforehand.
 */
const FRACTIONS = 20
const fractions = Float64Array.from({ length: FRACTIONS }, (_, i) => 0.01 * 90 ** (i / (FRACTIONS - 1)))

/**
 * Tells how many of the values it takes until bets on "the mean is above `mean`" have turned 1 into 1 / alpha; undefined when
 * they have not. Values are at least `least`; if their mean is not above `mean`, this ever happens with probability at most alpha,
 * at any number of values (Ville 1939). One capital is divided over fixed shares of betting, so that the
 * result does not depend on what came before each look.
 * Source: Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by betting".
 */
export function firstCrossing(
  values: ArrayLike<number>,
  mean: number,
  least: number,
  alpha: number,
): number | undefined {
  const capitals = new Float64Array(FRACTIONS).fill(1)
  const goal = FRACTIONS / alpha
  for (let i = 0; i < values.length; i++) {
    const payoff = (values[i]! - least) / (mean - least) - 1
    let total = 0
    for (let at = 0; at < FRACTIONS; at++) {
      capitals[at]! *= 1 + fractions[at]! * payoff
      total += capitals[at]!
    }
    if (total >= goal) return i + 1
  }
  return undefined
}

/** The capital of the same bets after values that take few levels, each so many times. */
export function capitalAfter(
  levels: readonly { value: number; times: number }[],
  mean: number,
  least: number,
): number {
  let total = 0
  for (const fraction of fractions) {
    let log = 0
    for (const { value, times } of levels) {
      log += times * Math.log1p(fraction * ((value - least) / (mean - least) - 1))
    }
    total += Math.exp(log)
  }
  return total / FRACTIONS
}

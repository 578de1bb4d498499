/** An estimate with a two-sided interval that covers the truth with probability `level`. */
export interface Interval {
  estimate: number
  low: number
  high: number
  level: number
}

/** Throws a RangeError unless a confidence level or another probability lies strictly between 0 and 1. */
export function checkProbability(value: number, name: string): void {
  if (!(value > 0 && value < 1)) throw new RangeError(`The ${name} must lie between 0 and 1, got ${value}.`)
}

/** Throws a RangeError unless a count is a whole number of at least `least`. */
export function checkCount(value: number, name: string, least = 0): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`The number of ${name} must be a whole number of at least ${least}, got ${value}.`)
  }
}

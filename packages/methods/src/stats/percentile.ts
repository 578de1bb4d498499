/**
 * Gives the value below which `percent` per cent (0 to 100) of the values lie, interpolating linearly between neighbours.
 * Throws a RangeError for an empty list. Source: Hyndman and Fan 1996, "Sample Quantiles in Statistical Packages", type 7.
 */
export function percentile(values: ArrayLike<number>, percent: number): number {
  if (values.length === 0) throw new RangeError('An empty list has no percentile.')
  if (!(percent >= 0 && percent <= 100))
    throw new RangeError(`A percentile must lie in 0 to 100, got ${percent}.`)
  const sorted = Float64Array.from(values).sort()
  const position = (percent / 100) * (sorted.length - 1)
  const before = Math.floor(position)
  const low = sorted[before]!
  const high = sorted[Math.min(before + 1, sorted.length - 1)]!
  return low + (high - low) * (position - before)
}

/** Gives the middle value, or the mean of the two middle ones. */
export function median(values: ArrayLike<number>): number {
  return percentile(values, 50)
}

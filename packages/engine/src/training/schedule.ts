export type ScheduleName = 'constant' | 'linear' | 'cosine'

export interface Schedule {
  name: ScheduleName
  peak: number
  /** Updates with a linear rise from zero. */
  warmupUpdates: number
  totalUpdates: number
  /** The rate at the end of a linear or cosine decay, as a share of the peak. */
  floor?: number
}

/** Learning rate of an update, counted from 0: linear warm-up, then constant, linear or cosine decay (Loshchilov & Hutter 2017). */
export function learningRate(schedule: Schedule, update: number): number {
  const { name, peak, warmupUpdates, totalUpdates, floor = 0 } = schedule
  if (update < warmupUpdates) return (peak * (update + 1)) / warmupUpdates
  if (name === 'constant') return peak
  const progress = Math.min(1, (update - warmupUpdates) / Math.max(1, totalUpdates - warmupUpdates))
  const share = name === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2
  return peak * (floor + (1 - floor) * share)
}

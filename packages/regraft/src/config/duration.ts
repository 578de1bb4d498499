import { z } from 'zod'

const UNITS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }

/** A length of time as `12h`, `30d` or `2w`. */
export const Duration = z.string().regex(/^[1-9]\d{0,4}[hdw]$/, 'expected a number of h, d or w, such as 30d')

/** The milliseconds of a `Duration`. */
export function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * UNITS[duration.slice(-1)]!
}

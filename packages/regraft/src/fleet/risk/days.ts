const DAY = 86_400_000

/** Days of the calendar (UTC) from one moment to another; negative when the other is earlier. */
export function daysBetween(from: Date, to: Date): number {
  return Math.floor(to.getTime() / DAY) - Math.floor(from.getTime() / DAY)
}

/** The day as YYYY-MM-DD (UTC). */
export function dayText(date: Date): string {
  return date.toISOString().slice(0, 10)
}

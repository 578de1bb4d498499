const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i
const UNIX_SECONDS = /^\d{9,10}(?:\.\d+)?$/

/**
 * Reads an ISO 8601 time (a space instead of the T is fine) or Unix seconds; null when it is neither.
 *
 * A time without a zone is UTC: the machine's own zone would make the same file mean different things.
 */
export function parseTime(value: string | number): Date | null {
  const text = String(value).trim()
  if (UNIX_SECONDS.test(text)) return new Date(Math.round(Number(text) * 1000))
  const match = ISO_TIME.exec(text)
  if (!match) return null
  const [, day, minutes = '00:00', seconds = ':00', zone = 'Z'] = match
  // Date rolls 30 February over to March instead of refusing it.
  if (new Date(`${day}T00:00:00Z`).getUTCDate() !== Number(day!.slice(-2))) return null
  const offset = zone.toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')
  const time = new Date(`${day}T${minutes}${seconds}${offset}`)
  return Number.isNaN(time.getTime()) ? null : time
}

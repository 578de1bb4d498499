/**
 * The date of chat templates that cannot do without one (SmolLM3's, for example): Friday, 26 July 2024, midnight. It is
 * the date that Llama 3's templates fall back to without a clock; a real one would give equal messages another text
 * every day.
 */
const PARTS: Record<string, string> = {
  a: 'Fri',
  A: 'Friday',
  b: 'Jul',
  B: 'July',
  d: '26',
  H: '00',
  I: '12',
  j: '208',
  m: '07',
  M: '00',
  p: 'AM',
  S: '00',
  y: '24',
  Y: '2024',
  '%': '%',
}

/** Python's strftime of that date; throws on a directive that templates do not use. */
export function fixedDate(format: unknown): string {
  return String(format).replace(/%(.?)/gs, (_, directive: string) => {
    const part = PARTS[directive]
    if (part === undefined) throw new Error(`strftime_now() does not know %${directive}`)
    return part
  })
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** The value with U+FFFD for every half of a character in its texts: a stream that breaks off may end in one, and no store takes it. */
export function wellFormed<Value>(value: Value): Value {
  if (typeof value === 'string') return value.toWellFormed() as Value
  if (Array.isArray(value)) return value.map(wellFormed) as Value
  if (!isRecord(value)) return value
  const members = Object.entries(value).map(([name, member]) => [name.toWellFormed(), wellFormed(member)])
  return Object.fromEntries(members) as Value
}

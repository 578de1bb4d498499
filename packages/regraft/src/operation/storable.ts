/** Says why a text from outside is not taken (no database or trainer's file holds these characters), or null. */
export function findUnstorable(text: string): string | null {
  if (!text.isWellFormed()) return 'contains a lone surrogate, which is not a character'
  if (text.includes('\0')) return 'contains a NUL character'
  return null
}

/** The first text inside a JSON value, keys included, that cannot be stored: its path and what is wrong with it. */
export function findUnstorableIn(value: unknown, path = ''): { path: string; reason: string } | null {
  if (typeof value === 'string') {
    const reason = findUnstorable(value)
    return reason === null ? null : { path, reason }
  }
  if (typeof value !== 'object' || value === null) return null
  for (const [key, inner] of Object.entries(value)) {
    const found = findUnstorableIn(key, path) ?? findUnstorableIn(inner, path === '' ? key : `${path}.${key}`)
    if (found) return found
  }
  return null
}

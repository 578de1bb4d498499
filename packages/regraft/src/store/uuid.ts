const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether Postgres reads the text as a UUID. What is none names nothing, so look-ups answer "not there". */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** Lays out the first 32 digits of a hash as a UUID of a version: 7 where they begin with a time, 8 where not (RFC 9562, variant 10). */
export function formatUuid(hex: string, version: '7' | '8'): string {
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    version + hex.slice(13, 16),
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-')
}

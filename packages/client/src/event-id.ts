let lastTime = 0
let counter = 0

/**
 * Makes a UUIDv7 (RFC 9562, 5.7): milliseconds, a counter of 12 bits, then random bits.
 *
 * Ids of one process grow, those of one millisecond too (RFC 9562, 6.2, method 1), so that events keep their order. From
 * getRandomValues, since browsers offer randomUUID on https and localhost only.
 */
export function newEventId(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  if (now > lastTime) {
    lastTime = now
    // The upper half of the counter is left for this millisecond.
    counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!
  } else {
    counter += 1
    if (counter > 0xfff) {
      counter = 0
      lastTime += 1
    }
  }
  for (let index = 0; index < 6; index += 1) bytes[index] = Math.floor(lastTime / 256 ** (5 - index)) % 256
  bytes[6] = (counter >> 8) | 0x70
  bytes[7] = counter & 0xff
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

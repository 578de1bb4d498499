const LAST_DELAY_MS = 30_000
/** Browsers refuse keepalive requests above 64 KiB in flight. */
export const KEEPALIVE_BYTES = 60_000

/** What came back of one attempt. */
export interface Answer {
  /** Null when no answer came. */
  status: number | null
  body: Record<string, unknown>
  /** Milliseconds that a Retry-After header asks for. */
  retryAfter: number
  cause?: unknown
}

/** Makes one attempt; never throws. */
export async function post(
  url: string,
  {
    headers,
    text,
    bytes,
    timeout,
  }: { headers: Record<string, string>; text: string; bytes: number; timeout: number },
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: text,
      signal: AbortSignal.timeout(timeout),
      // Lets the request arrive although the user leaves the page.
      keepalive: bytes < KEEPALIVE_BYTES,
    })
    const body = parseObject(await response.text())
    const retryAfter = parseRetryAfter(response.headers.get('retry-after'), Date.now())
    return { status: response.status, body, retryAfter }
  } catch (cause) {
    return { status: null, body: {}, retryAfter: 0, cause }
  }
}

/** A proxy in between may answer with anything. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Reads a Retry-After header (seconds or a date; RFC 9110, 10.2.3), at most 30 s; 0 without one. */
export function parseRetryAfter(header: string | null, now: number): number {
  if (header === null) return 0
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(milliseconds) ? 0 : Math.min(LAST_DELAY_MS, Math.max(0, milliseconds))
}

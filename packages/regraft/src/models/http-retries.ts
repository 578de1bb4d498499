import { setTimeout as sleep } from 'node:timers/promises'
import { RegraftError } from '../errors/index.ts'

export interface RequestOptions {
  signal: AbortSignal
  /** First delay before a request is sent again, in milliseconds; it doubles up to half a minute. */
  delay?: number
  /** Says that a request failed and when it is sent again. */
  onRetry?: (reason: string, milliseconds: number) => void
}

/** Failures in a row without progress. */
const ATTEMPTS = 6
const LONGEST_DELAY = 30_000
/** A server that asks for more patience than this gets an error instead. */
const LONGEST_RETRY_AFTER = 300_000
const REDIRECTS = 5

/** Waits before each new attempt, and gives up after six without progress. */
export class Retries {
  readonly #options: RequestOptions
  #failures = 0

  constructor(options: RequestOptions) {
    this.#options = options
  }

  /** Progress was made: the next failure is a first one again. */
  reset(): void {
    this.#failures = 0
  }

  /** Waits for the next attempt. Throws 'unavailable' with the reason when there have been enough. */
  async wait(what: string, reason: string, retryAfter: number | null, cause?: unknown): Promise<void> {
    const { signal, delay = 500, onRetry } = this.#options
    this.#failures++
    if (this.#failures >= ATTEMPTS || (retryAfter ?? 0) > LONGEST_RETRY_AFTER) {
      throw new RegraftError('unavailable', `${what} cannot be fetched: ${reason}`, {
        hint: 'check the network and HF_ENDPOINT, then run the command again: what has been fetched is kept',
        cause,
      })
    }
    const milliseconds = retryAfter ?? Math.min(LONGEST_DELAY, delay * 2 ** (this.#failures - 1))
    onRetry?.(reason, milliseconds)
    await sleep(milliseconds, undefined, { signal })
  }
}

/** An answer and the headers of the redirects that led to it. */
export interface Answered {
  response: Response
  /** The header's first value on the way. */
  header(name: string): string | null
}

/** Sends a request until an answer comes that is neither 408, 429 nor 5xx. Throws 'unavailable'. */
export async function requestWithRetries(
  url: string,
  headers: Record<string, string>,
  options: RequestOptions,
): Promise<Answered> {
  const retries = new Retries(options)
  for (;;) {
    const answered = await requestOnce(url, headers, options.signal, retries)
    if (answered) return answered
  }
}

/** One attempt; null when it failed in a way that may pass, after the wait. */
export async function requestOnce(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  retries: Retries,
): Promise<Answered | null> {
  const what = new URL(url).pathname
  let answered: Answered
  try {
    answered = await followRedirects(url, headers, signal)
  } catch (error) {
    signal.throwIfAborted()
    await retries.wait(what, reasonOf(error), null, error)
    return null
  }
  const { response } = answered
  if (response.status !== 408 && response.status !== 429 && response.status < 500) return answered
  await response.body?.cancel().catch(() => {})
  await retries.wait(
    what,
    `the server answered ${response.status}`,
    retryAfterOf(response.headers.get('retry-after')),
  )
  return null
}

/** Follows redirects by hand: the token must not reach another host, and the hub names the checksum on the way. */
async function followRedirects(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Answered> {
  const passed: Headers[] = []
  let current = new URL(url)
  let sent = headers
  for (let step = 0; ; step++) {
    const response = await fetch(current, { headers: sent, redirect: 'manual', signal })
    passed.push(response.headers)
    const location = response.headers.get('location')
    if (response.status < 300 || response.status >= 400 || location === null || step === REDIRECTS) {
      const header = (name: string) => passed.map((one) => one.get(name)).find((value) => value !== null)
      return { response, header: (name) => header(name) ?? null }
    }
    await response.body?.cancel().catch(() => {})
    const next = new URL(location, current)
    if (next.origin !== current.origin) {
      const { authorization: _, ...others } = sent
      sent = others
    }
    current = next
  }
}

/** Milliseconds of a Retry-After header, in seconds or as a date (RFC 9110, 10.2.3); null when there is none. */
export function retryAfterOf(text: string | null): number | null {
  if (text === null) return null
  if (/^\d+$/.test(text.trim())) return Number(text) * 1_000
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now())
}

/** fetch hides the reason in its cause. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: Error & { code?: string } }
  return cause?.message || cause?.code || message
}

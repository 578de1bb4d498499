import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { RegraftError } from '../errors/index.ts'
import { reasonOf, retryAfterOf } from './http-retries.ts'

export interface ExchangeOptions {
  /** What is asked, for messages: "the endpoint of embedder 'hosted'". */
  what: string
  /** The setting to look at when it fails. */
  hint: string
  apiKey?: string | undefined
  /** Sent besides. */
  headers?: Readonly<Record<string, string>>
  signal: AbortSignal
  /** First delay before a request is sent again, in milliseconds; it doubles. */
  delay?: number
}

/** Attempts of one request. */
const ATTEMPTS = 5
const LONGEST_DELAY = 30_000
const LONGEST_RETRY_AFTER = 120_000
/** An endpoint that says nothing for so long is taken for dead, in milliseconds. */
const SILENCE = 120_000
const SHOWN_CHARACTERS = 300

/**
 * Posts JSON and returns the JSON of the answer. Sends the request again after failures that may pass (no connection,
 * 408, 429, 5xx), up to five times in all, as Retry-After says.
 *
 * Throws 'unavailable' when it gives up, 'invalid-config' for what the endpoint refuses, 'incompatible' when the answer
 * is no JSON.
 */
export async function postJson(url: string, body: unknown, options: ExchangeOptions): Promise<unknown> {
  return await repeat(url, JSON.stringify(body), options)
}

/** The same with GET. No redirects are followed: the key is for this host. */
export async function getJson(url: string, options: ExchangeOptions): Promise<unknown> {
  return await repeat(url, null, options)
}

async function repeat(url: string, body: string | null, options: ExchangeOptions): Promise<unknown> {
  const { what, hint, signal, delay = 500 } = options
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    const outcome = await exchange(url, body, options)
    if ('answer' in outcome) return outcome.answer
    const { reason, retryAfter, cause } = outcome
    if (attempt === ATTEMPTS || (retryAfter ?? 0) > LONGEST_RETRY_AFTER) {
      throw new RegraftError('unavailable', `${what} does not answer: ${reason}`, {
        hint: `${hint}; then run the command again: answers that came are kept`,
        cause,
      })
    }
    await sleep(retryAfter ?? Math.min(LONGEST_DELAY, delay * 2 ** (attempt - 1)), undefined, { signal })
  }
}

type Outcome = { answer: unknown } | { reason: string; retryAfter: number | null; cause?: unknown }

async function exchange(url: string, body: string | null, options: ExchangeOptions): Promise<Outcome> {
  const { what, hint, apiKey, headers = {}, signal } = options
  let status: number
  let text: string
  let retryAfter: string | string[] | undefined
  try {
    const response = await request(url, {
      method: body === null ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(body === null ? {} : { 'content-type': 'application/json' }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body,
      headersTimeout: SILENCE,
      bodyTimeout: SILENCE,
      signal,
    })
    status = response.statusCode
    retryAfter = response.headers['retry-after']
    text = await response.body.text()
  } catch (cause) {
    signal.throwIfAborted()
    return { reason: reasonOf(cause), retryAfter: null, cause }
  }
  if (status === 408 || status === 429 || status >= 500) {
    const header = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter
    return { reason: `it answered ${status}`, retryAfter: retryAfterOf(header ?? null) }
  }
  if (status < 200 || status >= 300) {
    throw new RegraftError(
      'invalid-config',
      `${what} refused with ${status}: ${text.slice(0, SHOWN_CHARACTERS)}`,
      {
        hint,
      },
    )
  }
  try {
    return { answer: JSON.parse(text) }
  } catch (cause) {
    throw new RegraftError(
      'incompatible',
      `${what} answered what is no JSON: ${text.slice(0, SHOWN_CHARACTERS)}`,
      {
        hint,
        cause,
      },
    )
  }
}

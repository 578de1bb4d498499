import { RegraftClientError } from './error.ts'
import { newEventId } from './event-id.ts'

const FIRST_DELAY_MS = 250
const LAST_DELAY_MS = 30_000
/** Browsers refuse keepalive requests above 64 KiB. */
const KEEPALIVE_BYTES = 60_000

export interface RegraftOptions {
  /** Where Regraft listens, for example `http://127.0.0.1:7878`; in a browser also a path such as `/regraft`. */
  baseUrl: string
  /** A key with the scope 'feedback'. */
  apiKey?: string
  /** Further attempts after a network error, a timeout, 429 or 5xx. */
  maxRetries?: number
  /** Milliseconds that one attempt may take. */
  timeout?: number
}

/** What happened to an answer. `label` is a human's right answer, `correction` what an agent replaced the answer by. */
export type FeedbackEvent = {
  /** Who says so. */
  author?: string
  /** When it happened; now without it. */
  occurredAt?: Date
  /** UUID of the event, if you keep one: sent twice, it is stored once. */
  id?: string
} & (
  | { type: 'correction' | 'edit' | 'label' | 'comment'; value: string }
  | { type: 'thumbs'; value: 1 | -1 }
  | { type: 'accept' }
)

type Details = Pick<FeedbackEvent, 'author' | 'occurredAt' | 'id'>

/** What Regraft acknowledged: the event survives a crash of the server from here on. */
export interface FeedbackReceipt {
  id: string
  inferenceId: string
}

/**
 * Sends feedback about answers to Regraft.
 *
 * Every event gets an id before it is first sent, so that an attempt whose answer was lost can be repeated. Methods
 * reject with RegraftClientError.
 *
 * @example
 * const regraft = new Regraft({ baseUrl: 'http://127.0.0.1:7878' })
 * const answer = await openai.chat.completions.create({ model: 'support-desk', messages })
 * await regraft.thumbs(answer.id, 'up')
 */
export class Regraft {
  readonly #url: string
  readonly #headers: Record<string, string>
  readonly #maxRetries: number
  readonly #timeout: number

  constructor({ baseUrl, apiKey, maxRetries = 4, timeout = 10_000 }: RegraftOptions) {
    this.#url = `${baseUrl.replace(/\/+$/, '')}/v1/feedback`
    this.#headers = { 'content-type': 'application/json' }
    if (apiKey !== undefined) this.#headers.authorization = `Bearer ${apiKey}`
    this.#maxRetries = maxRetries
    this.#timeout = timeout
  }

  /** Sends an event about the answer with this id. */
  async feedback(inferenceId: string, event: FeedbackEvent): Promise<FeedbackReceipt> {
    const { occurredAt = new Date(), id = newEventId(Date.now()), ...signal } = event
    const body = JSON.stringify({
      ...signal,
      id,
      inference_id: inferenceId,
      occurred_at: occurredAt.toISOString(),
    })
    const receipt = await this.#send(body)
    return { id, inferenceId: receipt.inference_id ?? inferenceId }
  }

  thumbs(inferenceId: string, direction: 'up' | 'down', details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(inferenceId, { ...details, type: 'thumbs', value: direction === 'up' ? 1 : -1 })
  }

  /** The answer was wrong; this would have been right. */
  correct(inferenceId: string, answer: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(inferenceId, { ...details, type: 'correction', value: answer })
  }

  /** The user changed the answer before using it; this is what it became. */
  edit(inferenceId: string, text: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(inferenceId, { ...details, type: 'edit', value: text })
  }

  /** The answer was used as it was. */
  accept(inferenceId: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(inferenceId, { ...details, type: 'accept' })
  }

  comment(inferenceId: string, text: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(inferenceId, { ...details, type: 'comment', value: text })
  }

  async #send(body: string): Promise<{ inference_id?: string }> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt > this.#maxRetries
      let response: Response
      let text: string
      try {
        response = await fetch(this.#url, {
          method: 'POST',
          headers: this.#headers,
          body,
          signal: AbortSignal.timeout(this.#timeout),
          // Lets the event arrive although the user leaves the page.
          keepalive: body.length * 3 < KEEPALIVE_BYTES,
        })
        text = await response.text()
      } catch (cause) {
        if (last) throw new RegraftClientError(`${this.#url} cannot be reached`, { attempts: attempt, cause })
        await sleep(backoff(attempt))
        continue
      }
      if (response.ok) return parseObject(text)
      const retry = response.status === 429 || response.status >= 500
      if (!retry || last) throw refused(response.status, text, attempt)
      await sleep(retryAfter(response.headers.get('retry-after'), Date.now()) ?? backoff(attempt))
    }
  }
}

function refused(status: number, text: string, attempts: number): RegraftClientError {
  const { error } = parseObject(text) as { error?: { message?: string; code?: string; param?: string } }
  const message = error?.message ?? `Regraft answered ${status}`
  return new RegraftClientError(message, { status, code: error?.code, param: error?.param, attempts })
}

/** A proxy in between may answer with anything. */
function parseObject(text: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, string>) : {}
  } catch {
    return {}
  }
}

/** Doubles from 250 ms, with full jitter so that many clients do not return together. */
function backoff(attempt: number): number {
  return Math.random() * Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1))
}

/** Milliseconds that a Retry-After header asks for (seconds or a date; RFC 9110, 10.2.3), at most 30 s. */
function retryAfter(header: string | null, now: number): number | null {
  if (header === null) return null
  const milliseconds = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(milliseconds) ? null : Math.min(LAST_DELAY_MS, Math.max(0, milliseconds))
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

import { Answers, type RememberedAnswer } from './answers.ts'
import type { RegraftClientError } from './error.ts'
import { newEventId } from './event-id.ts'
import { type EventStorage, pageStorage, underPrefix } from './event-storage.ts'
import type { Details, Fault, FeedbackEvent, FeedbackReceipt, Other } from './feedback-event.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'
import { type ChatClient, watch } from './wrap.ts'

export interface RegraftOptions {
  /** Where Regraft listens, for example `http://127.0.0.1:7878`; in a browser also a path such as `/regraft`. */
  baseUrl: string
  /** A key with the scope 'feedback'; 'infer' to log calls that do not go through Regraft; 'write' for judgements. */
  apiKey?: string
  /** The end user of all events that name none, as your product knows them. */
  subject?: string
  /** Further attempts, after a network error, a timeout, 429 or 5xx, before an event's promise rejects. */
  maxRetries?: number
  /** Milliseconds that one attempt may take. */
  timeout?: number
  /** Milliseconds that an event waits for others to share its request. */
  flushAfter?: number
  /** Events that are sent without waiting, and the most in one request (up to 500). */
  batchSize?: number
  /** Events that wait at most; the oldest is given up for the newest. */
  maxBuffered?: number
  /** Where events wait that are not acknowledged; localStorage in a page, memory elsewhere. Null: memory only. */
  storage?: EventStorage | null
  /** Answers of wrapped clients that are remembered. */
  maxRemembered?: number
  /** Told of every event that could not be delivered, or not yet (`error.kept`); warns on the console without it. */
  onError?: (error: RegraftClientError, event: unknown) => void
}

export interface WrapOptions {
  /** Whether the same messages, answered again in the same conversation, are reported as 'regenerate'. */
  regenerates?: boolean
}

/**
 * Sends feedback about answers to Regraft.
 *
 * Every event gets an id before it is first sent, so that an attempt whose answer was lost can be repeated. The promises
 * of all methods resolve once Regraft has written the event to its journal, and reject with RegraftClientError; a
 * rejection that nobody looks at is no unhandled one.
 *
 * @example
 * const regraft = new Regraft({ baseUrl: 'http://127.0.0.1:7878' })
 * const answer = await openai.chat.completions.create({ model: 'support-desk', messages })
 * regraft.thumbs(answer.id, 'up')
 */
export class Regraft {
  readonly #baseUrl: string
  readonly #subject: string | undefined
  readonly #outboxOptions: (route: string, list: string) => OutboxOptions
  readonly #events: Outbox
  readonly #answers: Answers
  readonly #unlisten: () => void
  #calls: Outbox | null = null

  constructor(options: RegraftOptions) {
    const { apiKey, maxRetries = 4, timeout = 10_000, flushAfter = 10, batchSize = 100 } = options
    const { storage = pageStorage(), maxBuffered = 1000, maxRemembered = 1000, onError = warner() } = options
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (apiKey !== undefined) headers.authorization = `Bearer ${apiKey}`
    const baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.#baseUrl = baseUrl
    this.#subject = options.subject
    this.#outboxOptions = (route, list) => ({
      url: `${baseUrl}${route}`,
      ...{ headers, list, batchSize, flushAfter, maxRetries, timeout, maxBuffered, onError },
      storage: storage && underPrefix(storage, `regraft ${baseUrl}${route} `),
    })
    this.#events = new Outbox(this.#outboxOptions('/v1/feedback', 'events'))
    this.#answers = new Answers(maxRemembered)
    this.#unlisten = listenToPage({
      leaving: () => {
        this.#events.leave()
        this.#calls?.leave()
      },
      online: () => {
        this.#events.wake()
        this.#calls?.wake()
      },
    })
  }

  /** Sends an event about the answer with this id. */
  feedback(id: string, event: FeedbackEvent): Promise<FeedbackReceipt> {
    const known = this.#answers.get(id)
    const { occurredAt = new Date(), id: eventId = newEventId(Date.now()), ...signal } = event
    const subject = signal.subject ?? known?.subject ?? this.#subject
    if (known && (signal.type === 'accept' || signal.type === 'copy' || signal.type === 'edit'))
      known.used = true
    const { next } = signal as { next?: string }
    const { other } = signal as { other?: Other }
    const compared =
      other && 'inference' in other ? { other: { inference: this.#inference(other.inference) } } : {}
    const promise = this.#events
      .add(eventId, {
        ...signal,
        ...(next === undefined ? {} : { next: this.#inference(next) }),
        ...compared,
        ...(subject === undefined || subject === null ? {} : { subject }),
        id: eventId,
        inference_id: this.#inference(id),
        occurred_at: occurredAt.toISOString(),
      })
      .then((receipt) => ({ id: eventId, inferenceId: String(receipt.inference_id) }))
    promise.catch(() => {})
    return promise
  }

  /** With a thumb down, `fault` says whether the answer was wrong, or right and unwelcome. */
  thumbs(
    id: string,
    direction: 'up' | 'down',
    details: Details & { fault?: Fault } = {},
  ): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'thumbs', value: direction === 'up' ? 1 : -1 })
  }

  /** The answer was wrong; this would have been right. */
  correct(id: string, answer: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'correction', value: answer })
  }

  /** A human's right answer. */
  label(id: string, answer: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'label', value: answer })
  }

  /**
   * The user changed the answer before using it; this is what it became.
   *
   * Sent as 'accept' when a wrapped client knows the answer and it is the same text.
   */
  edit(id: string, text: string, details: Details = {}): Promise<FeedbackReceipt> {
    const unchanged = this.#answers.get(id)?.texts[details.candidate ?? 0] === text
    return unchanged ? this.accept(id, details) : this.feedback(id, { ...details, type: 'edit', value: text })
  }

  /** The answer was used as it was. */
  accept(id: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'accept' })
  }

  /** The user copied the answer. */
  copy(id: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'copy' })
  }

  /** The user went away without using the answer. */
  abandon(id: string, details: Details & { fault?: Fault } = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'abandon' })
  }

  /** The user asked for another answer; `next` is its id, once there is one. */
  regenerate(id: string, next?: string, details: Details & { fault?: Fault } = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'regenerate', ...(next === undefined ? {} : { next }) })
  }

  /** The user asked again in other words; `next` is the id of that answer. */
  rephrase(id: string, next?: string, details: Details & { fault?: Fault } = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'rephrase', ...(next === undefined ? {} : { next }) })
  }

  comment(id: string, text: string, details: Details = {}): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'comment', value: text })
  }

  /** The answer was shown beside another one, and the user chose. */
  vote(
    id: string,
    value: 'win' | 'lose' | 'tie',
    other: string | Other,
    details: Details = {},
  ): Promise<FeedbackReceipt> {
    const compared = typeof other === 'string' ? { inference: other } : other
    return this.feedback(id, { ...details, type: 'vote', value, other: compared })
  }

  /** A human's judgement for calibration, of the answer or of a compiled signal. Needs the scope 'write'. */
  judge(
    id: string,
    value: 'right' | Fault,
    details: Details & { signal?: string } = {},
  ): Promise<FeedbackReceipt> {
    return this.feedback(id, { ...details, type: 'judgement', value })
  }

  /**
   * Watches a client of OpenAI's API and returns it, with the same type and behaviour.
   *
   * What `chat.completions.create` answers, streamed or not, is remembered by its id (`answer`), so that events bear the
   * end user of the request. Where the client does not talk to Regraft, each call is logged there in the background.
   */
  wrap<Client extends ChatClient>(client: Client, { regenerates = true }: WrapOptions = {}): Client {
    return watch(client, {
      answers: this.#answers,
      isRegraft: (baseURL) => baseURL !== undefined && sameOrBelow(baseURL, this.#baseUrl),
      log: (call) => {
        this.#calls ??= new Outbox(this.#outboxOptions('/v1/inferences', 'inferences'))
        this.#calls.add(call.id, call)
      },
      regenerated: (before, next) => {
        if (regenerates) this.regenerate(before.id, next.id, { author: 'client' })
      },
      onProblem: () => {},
    })
  }

  /** What a wrapped client remembers of an answer. */
  answer(id: string): RememberedAnswer | undefined {
    return this.#answers.get(id)
  }

  /** Sends what waits, and resolves once everything is acknowledged or reported; the number of events that still wait. */
  async flush(): Promise<number> {
    const left = await Promise.all([this.#events.flush(), this.#calls?.flush() ?? 0])
    return left[0] + left[1]
  }

  /** Flushes and ends; the number of events that were left to the storage, or lost without one. */
  async close(): Promise<number> {
    const left = await Promise.all([this.#events.close(), this.#calls?.close() ?? 0])
    this.#unlisten()
    return left[0] + left[1]
  }

  #inference(id: string): string {
    return this.#answers.get(id)?.inferenceId ?? id
  }
}

function sameOrBelow(url: string, base: string): boolean {
  return `${url.replace(/\/+$/, '')}/`.startsWith(`${base}/`)
}

/** Says each message once: a wrong key would lose everything in silence. */
function warner(): (error: RegraftClientError) => void {
  const said = new Set<string>()
  return ({ message }) => {
    if (said.has(message) || said.size > 20) return
    said.add(message)
    console.warn(`Regraft: ${message}`)
  }
}

interface Page {
  document?: { visibilityState: string }
  addEventListener?(type: string, listener: () => void, capture?: boolean): void
  removeEventListener?(type: string, listener: () => void, capture?: boolean): void
}

/** A page may be gone after it was hidden (mobile browsers end it without a word) or left. */
function listenToPage({ leaving, online }: { leaving(): void; online(): void }): () => void {
  const page = globalThis as Page
  const { document } = page
  if (!document || !page.addEventListener) return () => {}
  const hidden = () => {
    if (document.visibilityState === 'hidden') leaving()
  }
  // 'visibilitychange' is the document's event and reaches the window.
  const listeners = { visibilitychange: hidden, pagehide: leaving, online }
  for (const [type, listener] of Object.entries(listeners)) page.addEventListener(type, listener, true)
  return () => {
    for (const [type, listener] of Object.entries(listeners)) page.removeEventListener?.(type, listener, true)
  }
}

import { RegraftClientError } from './error.ts'
import type { EventStorage } from './event-storage.ts'
import { type Answer, KEEPALIVE_BYTES, post } from './transport.ts'

const FIRST_DELAY_MS = 250
const LAST_DELAY_MS = 30_000
/** Regraft takes 500 events and 1 MB at once. */
const BATCH_BYTES = 900_000

export interface OutboxOptions {
  url: string
  headers: Record<string, string>
  /** Name of the member under which the route takes many at once. */
  list: string
  batchSize: number
  flushAfter: number
  maxRetries: number
  timeout: number
  maxBuffered: number
  storage: EventStorage | null
  onError: (error: RegraftClientError, event: unknown) => void
}

type Receipt = Record<string, unknown>

interface Entry {
  id: string
  text: string
  bytes: number
  /** Place in the order in which entries came. */
  place: number
  attempts: number
  inFlight: boolean
  /** Null once the sender has been told how it went, and for what an earlier page has left. */
  sender: PromiseWithResolvers<Receipt> | null
}

/**
 * Sends events in batches, in order, and keeps what could not be sent.
 *
 * One request is under way at a time, and what comes meanwhile shares the next one. An entry that was attempted
 * `maxRetries + 1` times is reported to its sender and stays: attempts go on at most 30 s apart. Sending twice does no
 * harm, since the ids are made before the first attempt.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #entries = new Map<string, Entry>()
  readonly #loaded: Promise<void>
  #places = 0
  #batchSize: number
  #running: Promise<void> | null = null
  #timer: { handle: ReturnType<typeof setTimeout>; at: number; awaited: boolean } | null = null
  /** Before that nothing is sent: after a failure, or as Retry-After asks. */
  #earliest = 0
  #closed = false
  #ended = false

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#batchSize = options.batchSize
    this.#loaded = this.#load()
  }

  /** Takes an event whose id is made; resolves with Regraft's receipt. An unheeded rejection harms nobody. */
  add(id: string, event: unknown): Promise<Receipt> {
    const waiting = this.#entries.get(id)?.sender
    if (waiting) return waiting.promise
    const text = JSON.stringify(event)
    const sender = withResolvers<Receipt>()
    sender.promise.catch(() => {})
    const entry = this.#entry(id, text, sender)
    if (this.#closed) {
      this.#drop(entry, new RegraftClientError('this Regraft client is closed', { attempts: 0 }))
      return sender.promise
    }
    this.#entries.set(id, entry)
    this.#attempt(() => this.#options.storage?.set(id, text))
    const oldest = this.#entries.size > this.#options.maxBuffered ? this.#oldestAtRest() : undefined
    if (oldest) {
      const message = `more than ${this.#options.maxBuffered} events wait to be sent`
      this.#drop(oldest, new RegraftClientError(message, { attempts: oldest.attempts }))
    }
    this.#schedule(this.#entries.size >= this.#batchSize ? 0 : this.#options.flushAfter)
    return sender.promise
  }

  /** Sends what waits; resolves once each event is acknowledged or reported, with the number of those that still wait. */
  async flush(): Promise<number> {
    await this.#loaded
    if (Date.now() >= this.#earliest) await this.#pass()
    await Promise.allSettled([...this.#entries.values()].map(({ sender }) => sender?.promise))
    return this.#entries.size
  }

  /** Flushes and ends; what still waits is left to the storage, or reported as lost. */
  async close(): Promise<number> {
    this.#closed = true
    const left = await this.flush()
    this.#ended = true
    if (this.#timer) clearTimeout(this.#timer.handle)
    this.#timer = null
    if (this.#options.storage) return left
    for (const entry of [...this.#entries.values()]) {
      this.#drop(
        entry,
        new RegraftClientError('closed before it could be sent', { attempts: entry.attempts }),
      )
    }
    return left
  }

  /** Sends what fits into a request that outlives the page, beside one that may be under way. */
  leave(): void {
    const batch = this.#take(KEEPALIVE_BYTES)
    if (batch.length > 0) void this.#deliver(batch).then(() => this.#schedule(this.#retryDelay()))
  }

  /** Tries at once: the network is back. */
  wake(): void {
    this.#earliest = 0
    this.#schedule(0)
  }

  async #load(): Promise<void> {
    const { storage, maxBuffered } = this.#options
    if (!storage) return
    try {
      const left = await storage.load()
      for (const [id, text] of left.slice(-maxBuffered)) {
        if (!this.#entries.has(id)) this.#entries.set(id, this.#entry(id, text, null))
      }
      this.#schedule(0)
    } catch (cause) {
      this.#report(new RegraftClientError('the stored events cannot be read', { attempts: 0, cause }), null)
    }
  }

  #entry(id: string, text: string, sender: Entry['sender']): Entry {
    const bytes = new TextEncoder().encode(text).length + 1
    this.#places += 1
    return { id, text, bytes, place: this.#places, attempts: 0, inFlight: false, sender }
  }

  #schedule(delay: number): void {
    if (this.#running || this.#ended || this.#entries.size === 0) return
    const at = Math.max(Date.now() + delay, this.#earliest)
    // A Node process lives on until each sender has been told, and no longer.
    const awaited = hasSender(this.#entries.values())
    const timer = this.#timer
    if (timer && timer.at <= at && (timer.awaited || !awaited)) return
    if (timer) clearTimeout(timer.handle)
    const handle = setTimeout(() => void this.#pass(), Math.max(0, at - Date.now()))
    if (!awaited) (handle as { unref?: () => void }).unref?.()
    this.#timer = { handle, at, awaited }
  }

  #pass(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer.handle)
    this.#timer = null
    this.#running ??= this.#run().then((succeeded) => {
      this.#running = null
      this.#schedule(succeeded ? this.#options.flushAfter : this.#retryDelay())
    })
    return this.#running
  }

  /** Sends until nothing is at rest; false when an attempt failed. */
  async #run(): Promise<boolean> {
    for (let batch = this.#take(BATCH_BYTES); batch.length > 0; batch = this.#take(BATCH_BYTES)) {
      if (!(await this.#deliver(batch))) return false
    }
    return true
  }

  /** The oldest entries that are at rest, at least one, and at most so many bytes. */
  #take(maxBytes: number): Entry[] {
    const batch: Entry[] = []
    let bytes = 0
    for (const entry of this.#entries.values()) {
      if (entry.inFlight) continue
      bytes += entry.bytes
      if (batch.length === this.#batchSize || (batch.length > 0 && bytes > maxBytes)) break
      batch.push(entry)
      entry.inFlight = true
    }
    return batch
  }

  /** Makes one attempt; false when it failed and may succeed later. */
  async #deliver(batch: Entry[]): Promise<boolean> {
    const { url, headers, list, timeout } = this.#options
    const [first] = batch as [Entry]
    const last = this.#places
    const text = batch.length === 1 ? first.text : `{"${list}":[${batch.map((entry) => entry.text).join()}]}`
    const bytes = batch.reduce((sum, entry) => sum + entry.bytes, 20)
    const answer = await post(url, { headers, text, bytes, timeout })
    for (const entry of batch) entry.inFlight = false
    const { status, body } = answer
    if (status === null || status === 429 || status >= 500) return this.#failed(answer, last)
    if (status >= 300) {
      // Something on the way, or an older Regraft, may take fewer at once.
      if (batch.length > 1 && (status === 400 || status === 413)) {
        this.#batchSize = batch.length >> 1
        return true
      }
      for (const entry of batch) this.#drop(entry, refused(body.error, status, entry.attempts + 1))
      return true
    }
    const results = batch.length === 1 ? [body] : body.data
    // A page to log in on, for example, is no receipt.
    if (!Array.isArray(results) || results.length !== batch.length) return this.#failed(answer, last)
    let retry = false
    for (const [index, entry] of batch.entries()) {
      const { error, ...receipt } = results[index] as Receipt & { error?: { type?: string } }
      if (error && error.type !== 'server_error')
        this.#drop(entry, refused(error, status, entry.attempts + 1))
      else if (!error && typeof receipt.inference_id === 'string') this.#acknowledged(entry, receipt)
      else retry = true
    }
    return retry ? this.#failed(answer, last) : true
  }

  /** Counts the attempt for everything that has waited for it. */
  #failed(answer: Answer, lastPlace: number): false {
    for (const entry of this.#entries.values()) {
      if (entry.place > lastPlace) break
      entry.attempts += 1
      if (!entry.sender || entry.attempts <= this.#options.maxRetries) continue
      const { status, cause, body } = answer
      const error =
        status === null
          ? new RegraftClientError(`${this.#options.url} cannot be reached`, {
              ...{ attempts: entry.attempts, kept: true, cause },
            })
          : refused(body.error, status, entry.attempts, true)
      entry.sender.reject(error)
      entry.sender = null
      this.#report(error, entry)
    }
    this.#earliest = Date.now() + (answer.retryAfter || backoff(1))
    return false
  }

  /** Until the next attempt for those that have failed least. */
  #retryDelay(): number {
    const attempts = [...this.#entries.values()].map((entry) => entry.attempts)
    return backoff(Math.min(...attempts))
  }

  #acknowledged(entry: Entry, receipt: Receipt): void {
    this.#remove(entry)
    entry.sender?.resolve(receipt)
  }

  #drop(entry: Entry, error: RegraftClientError): void {
    this.#remove(entry)
    entry.sender?.reject(error)
    this.#report(error, entry)
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#attempt(() => this.#options.storage?.remove(entry.id))
  }

  #oldestAtRest(): Entry | undefined {
    for (const entry of this.#entries.values()) if (!entry.inFlight) return entry
    return undefined
  }

  /** A storage that is full or gone leaves the event in memory. */
  #attempt(store: () => void | Promise<void>): void {
    const failed = (cause: unknown) =>
      this.#report(
        new RegraftClientError('events cannot be stored', { attempts: 0, kept: true, cause }),
        null,
      )
    try {
      Promise.resolve(store()).catch(failed)
    } catch (cause) {
      failed(cause)
    }
  }

  #report(error: RegraftClientError, entry: Entry | null): void {
    try {
      this.#options.onError(error, entry && JSON.parse(entry.text))
    } catch {
      // What goes wrong in a handler of errors is not the product's answer.
    }
  }
}

function hasSender(entries: Iterable<Entry>): boolean {
  for (const { sender } of entries) if (sender) return true
  return false
}

/** As `Promise.withResolvers`, which browsers have since 2024 and Node since 22. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: PromiseWithResolvers<T>['resolve']
  let reject!: PromiseWithResolvers<T>['reject']
  const promise = new Promise<T>((...both) => {
    ;[resolve, reject] = both
  })
  return { promise, resolve, reject }
}

function refused(error: unknown, status: number, attempts: number, kept = false): RegraftClientError {
  const { message, code, param } = (error ?? {}) as { message?: string; code?: string; param?: string }
  const said = message ?? `Regraft answered ${status}`
  return new RegraftClientError(said, {
    status,
    attempts,
    kept,
    ...(code ? { code } : {}),
    ...(param ? { param } : {}),
  })
}

/** Doubles from 250 ms to 30 s; half of it at random, so that many clients do not return together. */
function backoff(attempt: number): number {
  const most = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, attempt - 1))
  return most / 2 + (Math.random() * most) / 2
}

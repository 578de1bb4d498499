import { appendFile, type FileHandle, open, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RegraftError } from '../errors/index.ts'
import type { InsertReport, NewFeedback, NewInference, SealedRow } from '../store/types.ts'
import { decodeRecord, readFrames, SEGMENT_MAGIC } from './journal-frame.ts'
import type { Segment } from './journal-writer.ts'
import type { RowSink } from './row-sink.ts'

/** Waits after a commit, so that rows which arrive close together share one insert; not while somebody waits for them. */
const GATHER_MS = 100
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 10_000
const HOUSEKEEPING_MS = 5_000
/** A segment that is written to without a pause is left after this long. */
const DROP_MS = 10_000
const REJECTED = 'rejected.jsonl'

export interface DrainFigures {
  inserted: number
  duplicates: number
  /** Rows that the store refused: kept in `rejected.jsonl` beside the segments. */
  rejected: number
  /** Places that could not be read: their segment is kept as `*.damaged`. */
  damaged: number
  /** Why the last attempt failed; null when it did not. */
  lastError: string | null
}

interface Progress {
  segment: Segment
  offset: number
  damaged: number
  drainedAt: number | null
}

/**
 * Moves what is in the segments into the store, in order, until it is stopped.
 *
 * A batch is inserted again until the store takes it; rows are idempotent by id, so a batch that was taken before a
 * crash does no harm. A drained segment stays for `keepDrainedMs`: the embedded database does not sync its files, and
 * until the operating system has written them the segment is the only copy that survives a power cut.
 */
export class JournalDrainer {
  readonly figures: DrainFigures = { inserted: 0, duplicates: 0, rejected: 0, damaged: 0, lastError: null }
  readonly #store: RowSink
  readonly #directory: string
  readonly #keepDrainedMs: number
  readonly #retire: (segment: Segment, age: number) => void
  readonly #onProblem: (message: string, cause?: unknown) => void
  readonly #stopped = new AbortController()
  readonly #running: Promise<void>
  /** Above zero: drained segments go at once. */
  #dropping = 0
  /** What is under way with the file of refused rows. */
  #rejecting: Promise<unknown> = Promise.resolve()
  #queue: Progress[] = []
  #wake: () => void = () => {}
  #wakeWaiting: () => void = () => {}
  #waiting: { number: number; offset: number; resolve: () => void; reject: (error: unknown) => void }[] = []

  constructor(options: {
    store: RowSink
    directory: string
    segments: Segment[]
    keepDrainedMs: number
    retire: (segment: Segment, age: number) => void
    onProblem: (message: string, cause?: unknown) => void
  }) {
    this.#store = options.store
    this.#directory = options.directory
    this.#keepDrainedMs = options.keepDrainedMs
    this.#retire = options.retire
    this.#onProblem = options.onProblem
    for (const segment of options.segments) this.add(segment)
    this.#running = this.#run()
  }

  add(segment: Segment): void {
    this.#queue.push({ segment, offset: SEGMENT_MAGIC.length, damaged: 0, drainedAt: null })
  }

  wake(): void {
    this.#wake()
  }

  /** Resolves when everything that is committed now is in the store. */
  drained(): Promise<void> {
    const last = this.#queue.at(-1)
    if (!last) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ number: last.segment.number, offset: last.segment.committed, resolve, reject })
      this.#wake()
      this.#wakeWaiting()
    })
  }

  /**
   * Deletes the segments of now as soon as they are drained, whatever their age; the caller sees to it that the store has
   * everything on its disk. Returns how many are left, because they were written to all the time.
   */
  async dropDrained(): Promise<number> {
    const segments = new Set(this.#queue.map(({ segment }) => segment))
    const left = () => this.#queue.filter(({ segment }) => segments.has(segment)).length
    const until = Date.now() + DROP_MS
    this.#dropping++
    try {
      while (left() > 0 && Date.now() < until && !this.#stopped.signal.aborted) {
        this.#wake()
        await this.#sleep(GATHER_MS)
      }
    } finally {
      this.#dropping--
    }
    return left()
  }

  /** Removes lines from the file of refused rows; returns how many. */
  async removeRejected(isErased: (line: string) => boolean): Promise<number> {
    return await this.#withRejected(async (path) => {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw error
      })
      const lines = text.split('\n').filter((line) => line !== '')
      const kept = lines.filter((line) => !isErased(line))
      if (kept.length === lines.length) return 0
      const incoming = await open(`${path}.unfinished`, 'w', 0o600)
      try {
        await incoming.writeFile(kept.map((line) => `${line}\n`).join(''))
        await incoming.sync()
      } finally {
        await incoming.close()
      }
      await rename(`${path}.unfinished`, path)
      return lines.length - kept.length
    })
  }

  undrainedBytes(): number {
    return this.#queue.reduce((sum, { segment, offset }) => sum + Math.max(0, segment.committed - offset), 0)
  }

  segments(): number {
    return this.#queue.length
  }

  /** Ends after the batch that is under way; what is left is drained at the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#wake()
    this.#wakeWaiting()
    await this.#running
    const error = new RegraftError('unavailable', 'The journal was closed before it was drained.')
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS
    while (!this.#stopped.signal.aborted) {
      try {
        const next = this.#queue.find(({ segment, offset }) => offset < segment.committed)
        if (next) await this.#drain(next)
        this.#resolveWaiting()
        await this.#tidy()
        this.figures.lastError = null
        retryMs = FIRST_RETRY_MS
        if (!next) await this.#sleepUntilWoken()
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        if (this.figures.lastError !== reason)
          this.#onProblem(`The journal cannot be drained: ${reason}`, cause)
        this.figures.lastError = reason
        await this.#sleep(retryMs)
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      }
    }
  }

  async #drain(progress: Progress): Promise<void> {
    const { segment } = progress
    const file = await open(segment.path, 'r')
    try {
      while (progress.offset < segment.committed && !this.#stopped.signal.aborted) {
        await this.#drainBatch(progress, file)
        this.#resolveWaiting()
      }
    } finally {
      await file.close()
    }
  }

  async #drainBatch(progress: Progress, file: FileHandle): Promise<void> {
    const { payloads, next, ...batch } = await readFrames(file, progress.offset, progress.segment.committed)
    let { damaged } = batch
    const inferences: (NewInference | SealedRow<NewInference>)[] = []
    const feedback: (NewFeedback | SealedRow<NewFeedback>)[] = []
    for (const payload of payloads) {
      const record = decodeRecord(payload)
      if (record === null) damaged += 1
      else if (record.kind === 'inference') inferences.push(record.row)
      else feedback.push(record.row)
    }
    if (inferences.length > 0)
      await this.#account(await this.#store.inferences.insert(inferences), inferences)
    if (feedback.length > 0) await this.#account(await this.#store.feedback.insert(feedback), feedback)
    progress.offset = next
    progress.damaged += damaged
    this.figures.damaged += damaged
  }

  async #account(report: InsertReport, rows: readonly { id: string }[]): Promise<void> {
    if (report.rejected.length > 0) {
      const byId = new Map(rows.map((row) => [row.id, row]))
      const lines = report.rejected.map(
        ({ id, reason }) => `${JSON.stringify({ id, reason, row: byId.get(id) })}\n`,
      )
      await this.#withRejected((path) => appendFile(path, lines.join(''), { mode: 0o600, flush: true }))
      this.#onProblem(`The store refused ${report.rejected.length} rows; they are kept in rejected.jsonl`)
    }
    this.figures.inserted += report.inserted
    this.figures.duplicates += report.duplicates
    this.figures.rejected += report.rejected.length
  }

  async #withRejected<Result>(work: (path: string) => Promise<Result>): Promise<Result> {
    const done = this.#rejecting.then(() => work(join(this.#directory, REJECTED)))
    this.#rejecting = done.catch(() => {})
    return await done
  }

  #resolveWaiting(): void {
    const first = this.#queue.find(({ segment, offset }) => offset < segment.committed)
    const isDrained = (number: number, offset: number) =>
      !first || first.segment.number > number || (first.segment.number === number && first.offset >= offset)
    const { done = [], open = [] } = Object.groupBy(this.#waiting, ({ number, offset }) =>
      isDrained(number, offset) ? 'done' : 'open',
    )
    this.#waiting = open
    for (const { resolve } of done) resolve()
  }

  /** Deletes segments that are drained and old enough, and ends an active one so that it can follow. */
  async #tidy(): Promise<void> {
    const now = Date.now()
    const keep = this.#dropping > 0 ? 0 : this.#keepDrainedMs
    for (const progress of [...this.#queue]) {
      const { segment, offset, damaged } = progress
      if (offset < segment.committed) continue
      if (!segment.closed) {
        if (offset > SEGMENT_MAGIC.length) this.#retire(segment, keep)
        continue
      }
      progress.drainedAt ??= now
      if (now - progress.drainedAt < keep) continue
      if (damaged === 0) await unlink(segment.path)
      else {
        await rename(segment.path, `${segment.path}.damaged`)
        this.#onProblem(`${segment.path} is cut short or damaged (${damaged} places) and kept as *.damaged`)
      }
      this.#queue.splice(this.#queue.indexOf(progress), 1)
    }
  }

  async #sleepUntilWoken(): Promise<void> {
    const pause = Math.min(HOUSEKEEPING_MS, Math.max(GATHER_MS, this.#keepDrainedMs))
    const timer = new AbortController()
    this.#wake = () => timer.abort()
    // A commit between the last look and this line has woken nobody.
    const missed = this.#stopped.signal.aborted || this.undrainedBytes() > 0 || this.#waiting.length > 0
    if (!missed) await sleep(pause, null, { signal: timer.signal, ref: false }).catch(() => {})
    this.#wake = () => {}
    if (this.undrainedBytes() > 0) await this.#gather()
  }

  async #gather(): Promise<void> {
    const timer = new AbortController()
    this.#wakeWaiting = () => timer.abort()
    if (this.#waiting.length === 0) await sleep(GATHER_MS, null, { signal: timer.signal }).catch(() => {})
    this.#wakeWaiting = () => {}
  }

  async #sleep(milliseconds: number): Promise<void> {
    await sleep(milliseconds, null, { signal: this.#stopped.signal }).catch(() => {})
  }
}

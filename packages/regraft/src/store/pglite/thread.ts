import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { RegraftError } from '../../errors/index.ts'
import type { WorkerReply, WorkerRequest } from './messages.ts'

type Pending = { resolve: (bytes: Uint8Array | undefined) => void; reject: (error: Error) => void }
// Omit over a union would merge its members.
type Unnumbered<Request> = Request extends unknown ? Omit<Request, 'id'> : never

/** A PGlite database that runs in a worker thread; `connect()` gives streams for `pg` clients. */
export class PgliteThread {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #failure: Error | null = null

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (reply: WorkerReply) => this.#settle(reply))
    worker.on('error', (error) => this.#fail(error))
    worker.on('exit', () => this.#fail(new Error('the database thread has ended')))
  }

  /**
   * Opens the data directory, creating a database when it is empty (3 s and about 1 GB of memory).
   * Throws 'unavailable' when the files are no database that this PGlite can read.
   */
  static async open(directory: string): Promise<PgliteThread> {
    // Flags of the process, such as --input-type, would be refused for a thread.
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { directory },
      execArgv: [],
    })
    const thread = new PgliteThread(worker)
    try {
      await new Promise<Uint8Array | undefined>((resolve, reject) => {
        thread.#pending.set(0, { resolve, reject })
      })
    } catch (cause) {
      await worker.terminate()
      throw new RegraftError(
        'unavailable',
        `The database in ${directory} cannot be opened: ${String(cause)}`,
        {
          hint: 'Restore the directory from a backup, or point --data at another one.',
          cause,
        },
      )
    }
    return thread
  }

  /** A stream that stands for one server connection. Only one may be in use at a time: there is one session. */
  connect(): Duplex {
    return new ThreadStream(this)
  }

  request(request: Unnumbered<WorkerRequest>): Promise<Uint8Array | undefined> {
    if (this.#failure) return Promise.reject(this.#failure)
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#worker.postMessage({ ...request, id })
    })
  }

  async close(): Promise<void> {
    if (!this.#failure) await this.request({ kind: 'close' })
    await this.#worker.terminate()
  }

  #settle(reply: WorkerReply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (reply.ok) {
      pending?.resolve(reply.bytes)
      return
    }
    // Errors of SQL come as bytes of the protocol; this is PGlite itself that failed, in an unknown state.
    const error = new Error(reply.message)
    pending?.reject(error)
    this.#fail(error)
  }

  #fail(cause: Error): void {
    this.#failure ??= new RegraftError('unavailable', `The embedded database has stopped: ${cause.message}`, {
      hint: 'Start regraft again: what was acknowledged is kept.',
      cause,
    })
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.#pending.clear()
  }
}

/** The part of a `net.Socket` that `pg` uses. */
class ThreadStream extends Duplex {
  readonly #thread: PgliteThread

  constructor(thread: PgliteThread) {
    super()
    this.#thread = thread
  }

  connect(): this {
    process.nextTick(() => this.emit('connect'))
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#exchange(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#exchange(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#thread.request({ kind: 'reset' }).then(
      () => done(error),
      () => done(error),
    )
  }

  #exchange(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    this.#thread.request({ kind: 'wire', bytes }).then((reply) => {
      if (reply && reply.length > 0 && !this.destroyed) this.push(reply)
      done()
    }, done)
  }
}

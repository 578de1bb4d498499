import { Worker } from 'node:worker_threads'
import type { Sequence } from '../decoder/batch.ts'
import { EngineError } from '../errors.ts'
import type { TextReply, TextTask, TextWorkerData } from './text-messages.ts'

/** Memory of the thread; a template that builds a gigantic text fails with it alone. */
const MEMORY_MB = 512

interface Pending {
  id: number
  task: TextTask
  resolve(sequence: Sequence): void
  reject(error: Error): void
}

export interface TextServiceOptions {
  basePath: string
  /** For one conversation; its template and tokenizer are at fault when it is exceeded. */
  timeLimitMs: number
}

/** Turns conversations into tokens in a thread that is ended and started anew when one of them takes too long. */
export class TextService {
  #options: TextServiceOptions
  #worker: Worker | null = null
  #state = new Float64Array(new SharedArrayBuffer(16))
  #pending = new Map<number, Pending>()
  #nextId = 1
  #watch: NodeJS.Timeout | null = null

  constructor(options: TextServiceOptions) {
    this.#options = options
    this.#start()
  }

  /** Throws `incompatible` when the template or the tokenizer does not come to an end, or asks for too much memory. */
  sequence(task: TextTask): Promise<Sequence> {
    return new Promise((resolve, reject) => {
      const pending = { id: this.#nextId++, task, resolve, reject }
      this.#pending.set(pending.id, pending)
      if (!this.#worker) this.#start()
      this.#worker!.postMessage({ id: pending.id, task })
      this.#watch ??= setInterval(() => this.#endOverdue(), this.#options.timeLimitMs / 8)
    })
  }

  async close(): Promise<void> {
    if (this.#watch) clearInterval(this.#watch)
    await this.#worker?.terminate()
    this.#worker = null
  }

  #start(): void {
    this.#state = new Float64Array(new SharedArrayBuffer(16))
    const data: TextWorkerData = {
      basePath: this.#options.basePath,
      progress: this.#state.buffer as SharedArrayBuffer,
    }
    const worker = new Worker(new URL('./text-worker.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    })
    worker.unref()
    worker.on('message', (reply: TextReply) => this.#settle(reply))
    worker.on('error', (error: Error & { code?: string }) => {
      if (this.#worker !== worker) return
      const { code, message } = error
      const cause =
        code === 'ERR_WORKER_OUT_OF_MEMORY' ? `needs more than ${MEMORY_MB} MB` : `fails: ${message}`
      this.#restart(this.#state[0]!, cause)
    })
    this.#worker = worker
  }

  #settle(reply: TextReply): void {
    const pending = this.#pending.get(reply.id)
    if (!pending) return
    this.#pending.delete(reply.id)
    if ('sequence' in reply) pending.resolve(reply.sequence)
    else pending.reject(new EngineError(reply.code, reply.message, reply.hint ? { hint: reply.hint } : {}))
    if (this.#pending.size === 0 && this.#watch) {
      clearInterval(this.#watch)
      this.#watch = null
    }
  }

  /** The thread writes down what it is doing: its messages would be late when this thread is busy computing. */
  #endOverdue(): void {
    const [id, since] = this.#state as unknown as [number, number]
    if (id === 0 || Date.now() - since < this.#options.timeLimitMs) return
    const worker = this.#worker!
    this.#worker = null
    void worker.terminate()
    this.#restart(id, `takes longer than ${this.#options.timeLimitMs} ms`)
  }

  /** Blames one task, or all of them when none had begun, and gives the others to a new thread. */
  #restart(culprit: number, problem: string): void {
    this.#worker = null
    const message = `Turning a conversation into tokens by the chat template and the tokenizer of ${this.#options.basePath} ${problem}`
    const hint =
      'Shorten the conversation; if short ones fail too, the chat template or tokenizer.json is broken'
    for (const pending of [...this.#pending.values()]) {
      if (culprit !== 0 && pending.id !== culprit) continue
      this.#pending.delete(pending.id)
      pending.reject(new EngineError('incompatible', message, { hint }))
    }
    if (this.#pending.size === 0) return
    this.#start()
    for (const { id, task } of this.#pending.values()) this.#worker!.postMessage({ id, task })
  }
}

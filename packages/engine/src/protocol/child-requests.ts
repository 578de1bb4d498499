import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EngineError, type EngineErrorCode } from '../errors.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'

interface Numbered {
  id: number
}

/** What ends a request: its result, or why there is none. */
export type FinalReply =
  | { id: number; event: 'result'; result: unknown }
  | { id: number; event: 'error'; code: EngineErrorCode; message: string; hint?: string }

/** A request before it gets its number; of a union each member by itself. */
export type Unnumbered<Request> = Request extends Numbered ? Omit<Request, 'id'> : never

interface Pending<Reply> {
  resolve(result: unknown): void
  reject(error: Error): void
  onReply: ((reply: Reply) => void) | undefined
}

interface RequestOptions<Reply> {
  signal?: AbortSignal
  /** Called with every reply but the last. */
  onReply?: (reply: Reply) => void
}

/** A child process that answers numbered requests, any number at once, in lines of JSON. */
export class ChildRequests<Request extends Numbered, Reply extends Numbered & { event: string }> {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #pending = new Map<number, Pending<Reply>>()
  readonly #name: string
  #nextId = 0

  /** `program` is a file URL; `name` is what messages call the process. */
  constructor(program: URL, name: string) {
    this.#name = name
    this.#child = spawn(process.execPath, [fileURLToPath(program)], { stdio: ['pipe', 'pipe', 'pipe'] })
    let complaints = ''
    const complain = (text: string) => {
      complaints = (complaints + text).slice(-4000)
    }
    this.#child.stderr.setEncoding('utf8').on('data', complain)
    this.#child.stdin.on('error', () => {})
    readJsonLines(this.#child.stdout, {
      onMessage: (message) => this.#settle(message as Reply),
      onMalformed: (line) => complain(`${line}\n`),
    })
    this.#child.on('error', (error) => this.#failAll(`The ${name} could not be started: ${error.message}`))
    this.#child.on('close', (code, signal) => {
      const end = signal ?? `exit code ${code}`
      this.#failAll(`The ${name} ended (${end})${complaints ? `: ${complaints}` : ''}`)
    })
  }

  /** False once the process has ended. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Of the operating system; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Throws the error that the process answers with, `engine-failed` when it ends, `cancelled`. */
  async call(message: Unnumbered<Request>, options: RequestOptions<Reply> = {}): Promise<unknown> {
    const { signal, onReply } = options
    if (!this.alive) throw new EngineError('engine-failed', `The ${this.#name} has ended`)
    const id = this.#nextId++
    if (signal?.aborted) throw new EngineError('cancelled', 'The request was cancelled')
    const cancel = () => writeJsonLine(this.#child.stdin, { id, method: 'cancel', target: id })
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, onReply })
        writeJsonLine(this.#child.stdin, { ...message, id })
      })
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Ends the process; calls under way fail. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.alive) return resolve()
      this.#child.once('close', () => resolve())
      this.#child.stdin.end()
      this.#child.kill('SIGKILL')
    })
  }

  #settle(reply: Reply): void {
    const call = this.#pending.get(reply.id)
    if (!call) return
    if (reply.event !== 'result' && reply.event !== 'error') {
      call.onReply?.(reply)
      return
    }
    this.#pending.delete(reply.id)
    const final = reply as unknown as FinalReply
    if (final.event === 'result') call.resolve(final.result)
    else call.reject(new EngineError(final.code, final.message, { hint: final.hint }))
  }

  #failAll(message: string): void {
    for (const call of this.#pending.values()) call.reject(new EngineError('engine-failed', message))
    this.#pending.clear()
  }
}

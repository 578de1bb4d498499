import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EngineError } from '../errors.ts'
import type { BaseDigests } from '../formats/types.ts'
import type { Answer, GenerateRequest, ScoreRequest, StreamedToken } from '../generation/answers.ts'
import type { BatchStats } from '../generation/batcher.ts'
import type {
  InferenceInfo,
  InferenceOptions,
  InferenceReply,
  InferenceRequest,
} from './inference-messages.ts'
import { readJsonLines, writeJsonLine } from './lines.ts'

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
  onReply: ((reply: InferenceReply) => void) | undefined
}

export interface CallOptions {
  signal?: AbortSignal
  /** Conversations or items done so far. */
  onProgress?: (done: number, total: number) => void
}

type Unnumbered<T> = T extends InferenceRequest ? Omit<T, 'id'> : never

export interface InferenceStart extends InferenceOptions {
  path: string
  digests?: BaseDigests | null
  threads: number
}

/** A base model running in a child process, which answers any number of calls at once in one batch. */
export class InferenceProcess {
  readonly info: InferenceInfo
  #child: ChildProcessWithoutNullStreams
  #pending: Map<number, Pending>
  #nextId = 1

  private constructor(
    child: ChildProcessWithoutNullStreams,
    pending: Map<number, Pending>,
    info: InferenceInfo,
  ) {
    this.#child = child
    this.#pending = pending
    this.info = info
  }

  /** Opens a base. With `digests`, throws `digest-mismatch` when the files are not the recorded ones. */
  static async start(start: InferenceStart): Promise<InferenceProcess> {
    const program = fileURLToPath(new URL('./inference-process.ts', import.meta.url))
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
    const pending = new Map<number, Pending>()
    let complaints = ''
    const complain = (text: string) => {
      complaints = (complaints + text).slice(-4000)
    }
    child.stderr.setEncoding('utf8').on('data', complain)
    child.stdin.on('error', () => {})
    readJsonLines(child.stdout, {
      onMessage: (message) => settle(pending, message as InferenceReply),
      onMalformed: (line) => complain(`${line}\n`),
    })
    const failAll = (message: string) => {
      for (const call of pending.values()) call.reject(new EngineError('engine-failed', message))
      pending.clear()
    }
    child.on('error', (error) => failAll(`The inference process could not be started: ${error.message}`))
    child.on('close', (code, signal) => {
      failAll(
        `The inference process ended (${signal ?? `exit code ${code}`})${complaints ? `: ${complaints}` : ''}`,
      )
    })
    try {
      const info = await request(child, pending, { digests: null, ...start, id: 0, method: 'open' })
      return new InferenceProcess(child, pending, info as InferenceInfo)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** False once the process has ended. */
  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Of the operating system; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  async loadAdapter(name: string, path: string): Promise<void> {
    await this.#call({ method: 'loadAdapter', name, path })
  }

  async unloadAdapter(name: string): Promise<void> {
    await this.#call({ method: 'unloadAdapter', name })
  }

  async generate(call: GenerateRequest, options: CallOptions = {}): Promise<Answer[]> {
    const result = await this.#call({ method: 'generate', stream: false, ...call }, options)
    return result as Answer[]
  }

  /** Like `generate`, handing out the text of each row while it is decoded, with its tokens where they are reported. */
  async stream(
    call: GenerateRequest,
    onText: (row: number, text: string, tokens: StreamedToken[]) => void,
    signal?: AbortSignal,
  ): Promise<Answer[]> {
    const onReply = (reply: InferenceReply) => {
      if (reply.event === 'text') onText(reply.row, reply.text, reply.tokens ?? [])
    }
    const options = signal ? { signal } : {}
    return (await this.#call({ method: 'generate', stream: true, ...call }, options, onReply)) as Answer[]
  }

  /** Natural-log probability of every token of each completion. */
  async score(call: ScoreRequest, options: CallOptions = {}): Promise<number[][]> {
    return (await this.#call({ method: 'score', ...call }, options)) as number[][]
  }

  /** What the batch is doing. */
  async stats(): Promise<BatchStats> {
    return (await this.#call({ method: 'stats' })) as BatchStats
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

  async #call(
    message: Unnumbered<InferenceRequest>,
    options: CallOptions = {},
    onReply?: (reply: InferenceReply) => void,
  ): Promise<unknown> {
    const { signal, onProgress } = options
    if (!this.alive) throw new EngineError('engine-failed', 'The inference process has ended')
    const id = this.#nextId++
    if (signal?.aborted) throw new EngineError('cancelled', 'The request was cancelled')
    const cancel = () => writeJsonLine(this.#child.stdin, { id, method: 'cancel', target: id })
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await request(this.#child, this.#pending, { ...message, id } as InferenceRequest, (reply) => {
        if (reply.event === 'progress') onProgress?.(reply.done, reply.total)
        onReply?.(reply)
      })
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }
}

function request(
  child: ChildProcessWithoutNullStreams,
  pending: Map<number, Pending>,
  message: InferenceRequest,
  onReply?: (reply: InferenceReply) => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    pending.set(message.id, { resolve, reject, onReply })
    writeJsonLine(child.stdin, message)
  })
}

function settle(pending: Map<number, Pending>, reply: InferenceReply): void {
  const call = pending.get(reply.id)
  if (!call) return
  if (reply.event === 'result' || reply.event === 'error') pending.delete(reply.id)
  if (reply.event === 'result') call.resolve(reply.result)
  else if (reply.event === 'error')
    call.reject(new EngineError(reply.code, reply.message, { hint: reply.hint }))
  else call.onReply?.(reply)
}

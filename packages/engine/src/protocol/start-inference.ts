import type { BaseDigests } from '../formats/types.ts'
import type {
  Answer,
  GenerateRequest,
  NextTokensRequest,
  ScoreRequest,
  StreamedToken,
} from '../generation/answers.ts'
import type { BatchStats } from '../generation/batcher.ts'
import { ChildRequests, type Unnumbered } from './child-requests.ts'
import type {
  InferenceInfo,
  InferenceOptions,
  InferenceReply,
  InferenceRequest,
} from './inference-messages.ts'

export interface CallOptions {
  signal?: AbortSignal
  /** Conversations or items done so far. */
  onProgress?: (done: number, total: number) => void
}

export interface InferenceStart extends InferenceOptions {
  path: string
  digests?: BaseDigests | null
  threads: number
}

/** A base model running in a child process, which answers any number of calls at once in one batch. */
export class InferenceProcess {
  readonly info: InferenceInfo
  readonly #requests: ChildRequests<InferenceRequest, InferenceReply>

  private constructor(requests: ChildRequests<InferenceRequest, InferenceReply>, info: InferenceInfo) {
    this.#requests = requests
    this.info = info
  }

  /** Opens a base. With `digests`, throws `digest-mismatch` when the files are not the recorded ones. */
  static async start(start: InferenceStart): Promise<InferenceProcess> {
    const requests = new ChildRequests<InferenceRequest, InferenceReply>(
      new URL('./inference-process.ts', import.meta.url),
      'inference process',
    )
    try {
      const info = await requests.call({ method: 'open', digests: null, ...start })
      return new InferenceProcess(requests, info as InferenceInfo)
    } catch (error) {
      await requests.close()
      throw error
    }
  }

  /** False once the process has ended. */
  get alive(): boolean {
    return this.#requests.alive
  }

  /** Of the operating system; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#requests.pid
  }

  async loadAdapter(name: string, path: string): Promise<void> {
    await this.#requests.call({ method: 'loadAdapter', name, path })
  }

  async unloadAdapter(name: string): Promise<void> {
    await this.#requests.call({ method: 'unloadAdapter', name })
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
    const options = { onReply, ...(signal ? { signal } : {}) }
    return (await this.#requests.call({ method: 'generate', stream: true, ...call }, options)) as Answer[]
  }

  /** Natural-log probability of every token of each completion. */
  async score(call: ScoreRequest, options: CallOptions = {}): Promise<number[][]> {
    return (await this.#call({ method: 'score', ...call }, options)) as number[][]
  }

  /** Natural-log probabilities [V] of the token that follows each conversation. */
  async nextTokens(call: NextTokensRequest, options: CallOptions = {}): Promise<Float32Array[]> {
    const encoded = (await this.#call({ method: 'nextTokens', ...call }, options)) as string[]
    return encoded.map((text) => {
      const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
      return new Float32Array(bytes.buffer)
    })
  }

  /** Writes the base with an adapter folded in as a Hugging Face folder in 32-bit floats; see `writeMerged`. */
  async writeMerged(adapterPath: string, folder: string): Promise<void> {
    await this.#requests.call({ method: 'writeMerged', adapterPath, folder })
  }

  /** What the batch is doing. */
  async stats(): Promise<BatchStats> {
    return (await this.#requests.call({ method: 'stats' })) as BatchStats
  }

  /** Ends the process; calls under way fail. */
  close(): Promise<void> {
    return this.#requests.close()
  }

  #call(message: Unnumbered<InferenceRequest>, { signal, onProgress }: CallOptions): Promise<unknown> {
    const onReply = (reply: InferenceReply) => {
      if (reply.event === 'progress') onProgress?.(reply.done, reply.total)
    }
    return this.#requests.call(message, { onReply, ...(signal ? { signal } : {}) })
  }
}

import type { Pooling } from '../embedding/encoder-folder.ts'
import type { Embeddings } from '../embedding/sentence-encoder.ts'
import { ChildRequests } from './child-requests.ts'
import type {
  EmbeddingReply,
  EmbeddingRequest,
  EncodedEmbeddings,
  EncoderInfo,
} from './embedding-messages.ts'

export interface EmbeddingStart {
  /** A sentence-encoder folder: model.onnx or onnx/model.onnx, tokenizer.json, 1_Pooling/config.json. */
  path: string
  /** Replaces what the folder says. */
  pooling?: Pooling
  threads: number
}

/** A sentence encoder running in a child process. */
export class EmbeddingProcess {
  readonly info: EncoderInfo
  readonly #requests: ChildRequests<EmbeddingRequest, EmbeddingReply>

  private constructor(requests: ChildRequests<EmbeddingRequest, EmbeddingReply>, info: EncoderInfo) {
    this.#requests = requests
    this.info = info
  }

  /** Throws `not-found`, `invalid-file` or `incompatible` for a folder that holds no encoder, naming what is wrong. */
  static async start(start: EmbeddingStart): Promise<EmbeddingProcess> {
    const program = new URL('./embedding-process.ts', import.meta.url)
    const requests = new ChildRequests<EmbeddingRequest, EmbeddingReply>(program, 'embedding process')
    try {
      const info = await requests.call({ method: 'open', ...start })
      return new EmbeddingProcess(requests, info as EncoderInfo)
    } catch (error) {
      await requests.close()
      throw error
    }
  }

  /** Vectors of length 1 of some hundreds of texts; the dimension is 0 for none. */
  async embed(texts: readonly string[]): Promise<Embeddings> {
    const answer = (await this.#requests.call({ method: 'embed', texts: [...texts] })) as EncodedEmbeddings
    const bytes = Buffer.from(answer.vectors, 'base64')
    const vectors = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    )
    return { ...answer, vectors }
  }

  /** Ends the process; calls under way fail. */
  close(): Promise<void> {
    return this.#requests.close()
  }
}

// The embedding process reads one request and writes one or more replies per line of JSON, as the inference process does.
import type { Pooling } from '../embedding/encoder-folder.ts'
import type { FinalReply } from './child-requests.ts'

export interface EncoderInfo {
  /** Of the weights, the tokenizer, the pooling and the length limit; hex. */
  digest: string
  pooling: Pooling
  maximumTokens: number
}

export type EmbeddingRequest =
  | { id: number; method: 'open'; path: string; pooling?: Pooling; threads: number }
  | { id: number; method: 'embed'; texts: string[] }

export type EmbeddingReply = FinalReply

/** Vectors as they cross the pipe: base64 of little-endian 32-bit floats. */
export interface EncodedEmbeddings {
  dimension: number
  vectors: string
  truncated: number
}

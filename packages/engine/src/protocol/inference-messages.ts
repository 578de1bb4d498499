// The inference process reads one request and writes one or more replies per line of JSON; replies carry the
// request's id. Requests run at the same time: only `open` must have been answered before the others. Of tensors
// only distributions over the vocabulary cross the pipe, as base64 of little-endian 32-bit floats.
import type { EngineErrorCode } from '../errors.ts'
import type { BaseDigests, DecoderConfig } from '../formats/types.ts'
import type {
  AnswererOptions,
  GenerateRequest,
  NextTokensRequest,
  ScoreRequest,
  StreamedToken,
} from '../generation/answers.ts'
import type { DecodePrecision } from '../generation/decode-weights.ts'
import type { MachineLock } from './messages.ts'

/** How the child decodes; see `AnswererOptions`. */
export type InferenceOptions = Omit<AnswererOptions, 'base' | 'threads' | 'precision'> & {
  /** How matrices are kept for decoding; what the file has (4 bits, 8 bits, else 32-bit floats) unless given. */
  weightPrecision?: DecodePrecision
  /** A PEFT folder that is folded into the weights before anything is answered. */
  merged?: string
}

export interface InferenceInfo {
  config: DecoderConfig
  /** Stored precision of the linear weights, for example 'Q4_1'. */
  precision: string
  /** What they are decoded in. */
  weightPrecision: DecodePrecision
  digests: BaseDigests
  lock: MachineLock
}

export type InferenceRequest =
  | ({
      id: number
      method: 'open'
      path: string
      digests: BaseDigests | null
      threads: number
    } & InferenceOptions)
  | { id: number; method: 'loadAdapter'; name: string; path: string }
  | { id: number; method: 'unloadAdapter'; name: string }
  | ({ id: number; method: 'generate'; stream: boolean } & GenerateRequest)
  | ({ id: number; method: 'score' } & ScoreRequest)
  | ({ id: number; method: 'nextTokens' } & NextTokensRequest)
  | { id: number; method: 'writeMerged'; adapterPath: string; folder: string }
  | { id: number; method: 'stats' }
  | { id: number; method: 'cancel'; target: number }

export type InferenceReply =
  | { id: number; event: 'text'; row: number; text: string; tokens?: StreamedToken[] }
  | { id: number; event: 'progress'; done: number; total: number }
  | { id: number; event: 'result'; result: unknown }
  | { id: number; event: 'error'; code: EngineErrorCode; message: string; hint?: string }

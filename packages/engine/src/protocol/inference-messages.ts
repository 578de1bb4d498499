// The inference process reads one request and writes one or more replies per line of JSON; replies carry the
// request's id. Tensors never cross the pipe.
import type { EngineErrorCode } from '../errors.ts'
import type { BaseDigests, DecoderConfig } from '../formats/types.ts'
import type { GenerateRequest, ScoreRequest } from '../generation/answers.ts'
import type { MachineLock } from './messages.ts'

export interface InferenceInfo {
  config: DecoderConfig
  precision: string
  digests: BaseDigests
  lock: MachineLock
}

export type InferenceRequest =
  | { id: number; method: 'open'; path: string; digests: BaseDigests | null; threads: number }
  | { id: number; method: 'loadAdapter'; name: string; path: string }
  | { id: number; method: 'unloadAdapter'; name: string }
  | ({ id: number; method: 'generate'; stream: boolean } & GenerateRequest)
  | ({ id: number; method: 'score' } & ScoreRequest)
  | { id: number; method: 'cancel'; target: number }

export type InferenceReply =
  | { id: number; event: 'text'; row: number; text: string }
  | { id: number; event: 'progress'; done: number; total: number }
  | { id: number; event: 'result'; result: unknown }
  | { id: number; event: 'error'; code: EngineErrorCode; message: string; hint?: string }

import type { Sequence } from '../decoder/batch.ts'
import type { EngineErrorCode } from '../errors.ts'
import type { ChatMessage } from '../formats/types.ts'

/** Work on text that a template or a tokenizer of unknown origin does. */
export type TextTask =
  | { kind: 'prompt'; messages: ChatMessage[] }
  | { kind: 'example'; messages: ChatMessage[]; completion: string }

export interface TextWorkerData {
  basePath: string
  /** Two 64-bit floats: the number of the task under way (0 for none) and when it began, by `Date.now`. */
  progress: SharedArrayBuffer
}

/** Tokens of a task; those of a prompt are all given, of an example the completion is supervised. */
export type TextReply =
  | { id: number; sequence: Sequence }
  | { id: number; code: EngineErrorCode; message: string; hint?: string }

/** Failures the engine can name; the words are those of the control plane's error table. */
export type EngineErrorCode =
  | 'invalid-input'
  | 'invalid-file'
  | 'not-found'
  | 'incompatible'
  | 'digest-mismatch'
  | 'cancelled'
  | 'engine-failed'

export interface EngineErrorFields {
  /** The command, file or setting that fixes it. */
  hint?: string
  cause?: unknown
}

/** A failure of the engine with a closed code, a message for people and a hint that says how to fix it. */
export class EngineError extends Error {
  readonly code: EngineErrorCode
  readonly hint: string | undefined

  constructor(code: EngineErrorCode, message: string, fields: EngineErrorFields = {}) {
    super(message, { cause: fields.cause })
    this.name = 'EngineError'
    this.code = code
    this.hint = fields.hint
  }
}

/** An event that Regraft did not take: refused, or not reached after all attempts. */
export class RegraftClientError extends Error {
  /** HTTP status; null when no answer came. */
  readonly status: number | null
  /** Regraft's error code, for example 'invalid-input' or 'unauthorized'; null when no answer came. */
  readonly code: string | null
  /** The field that is wrong, where Regraft named one. */
  readonly param: string | null
  /** Attempts to send it. */
  readonly attempts: number
  /** Whether it stays in the buffer and goes on being sent: then do not send it again under another id. */
  readonly kept: boolean

  constructor(
    message: string,
    fields: {
      status?: number
      code?: string
      param?: string
      attempts: number
      kept?: boolean
      cause?: unknown
    },
  ) {
    super(message, { cause: fields.cause })
    this.name = 'RegraftClientError'
    this.status = fields.status ?? null
    this.code = fields.code ?? null
    this.param = fields.param ?? null
    this.attempts = fields.attempts
    this.kept = fields.kept ?? false
  }
}

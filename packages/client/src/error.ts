/** A feedback event that Regraft did not take: refused, or not reached after all attempts. */
export class RegraftClientError extends Error {
  /** HTTP status; null when no answer came. */
  readonly status: number | null
  /** Regraft's error code, for example 'invalid-input' or 'unauthorized'; null when no answer came. */
  readonly code: string | null
  /** The field that is wrong, where Regraft named one. */
  readonly param: string | null
  /** Times that the event was sent. */
  readonly attempts: number

  constructor(
    message: string,
    fields: { status?: number; code?: string; param?: string; attempts: number; cause?: unknown },
  ) {
    super(message, { cause: fields.cause })
    this.name = 'RegraftClientError'
    this.status = fields.status ?? null
    this.code = fields.code ?? null
    this.param = fields.param ?? null
    this.attempts = fields.attempts
  }
}

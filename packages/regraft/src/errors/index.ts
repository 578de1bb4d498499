/** Every failure a user can meet, with the HTTP status and the process exit code it maps to. */
export const ERROR_CODES = {
  'invalid-input': { status: 400, exit: 2 },
  'invalid-config': { status: 400, exit: 2 },
  'invalid-file': { status: 400, exit: 2 },
  unauthorized: { status: 401, exit: 3 },
  forbidden: { status: 403, exit: 3 },
  'not-found': { status: 404, exit: 4 },
  conflict: { status: 409, exit: 5 },
  'record-incomplete': { status: 422, exit: 6 },
  incompatible: { status: 422, exit: 6 },
  'digest-mismatch': { status: 422, exit: 6 },
  overloaded: { status: 429, exit: 9 },
  cancelled: { status: 499, exit: 130 },
  'data-directory-busy': { status: 503, exit: 7 },
  'port-in-use': { status: 503, exit: 7 },
  'engine-failed': { status: 500, exit: 8 },
  unavailable: { status: 503, exit: 9 },
  'disk-full': { status: 507, exit: 9 },
  internal: { status: 500, exit: 70 },
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface ErrorFields {
  /** The command or config path that fixes it. */
  hint?: string
  details?: Record<string, unknown>
  cause?: unknown
}

/** A failure with a closed code, a message for people and a hint that says how to fix it. */
export class RegraftError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Record<string, unknown>

  constructor(code: ErrorCode, message: string, fields: ErrorFields = {}) {
    super(message, { cause: fields.cause })
    this.name = 'RegraftError'
    this.code = code
    this.hint = fields.hint
    this.details = fields.details ?? {}
  }
}

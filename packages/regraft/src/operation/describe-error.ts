import type { z } from 'zod'
import { ERROR_CODES, type ErrorCode, RegraftError } from '../errors/index.ts'

/** A failure as data: what a job's row keeps and what HTTP answers. */
export interface ErrorDescription {
  message: string
  type: string
  /** The input field that is wrong, where there is one. */
  param: string | null
  code: ErrorCode
  hint: string | null
}

/** Describes any thrown value; what is not a RegraftError is 'internal' and its message is kept. */
export function describeError(error: unknown): ErrorDescription {
  if (error instanceof RegraftError) {
    const param = typeof error.details.param === 'string' ? error.details.param : null
    return {
      message: error.message,
      type: errorType(error.code),
      param,
      code: error.code,
      hint: error.hint ?? null,
    }
  }
  if (isCoded(error)) return describeError(new RegraftError(error.code, error.message, { hint: error.hint }))
  const message = error instanceof Error ? error.message : String(error)
  return { message, type: errorType('internal'), param: null, code: 'internal', hint: null }
}

/** One 'invalid-input' for all the issues that zod found. */
export function invalidInput(error: z.core.$ZodError): RegraftError {
  const lines = error.issues.map((issue) => {
    const path = issue.path.join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  const param = error.issues[0]?.path.join('.') || null
  return new RegraftError('invalid-input', lines.join('; '), { details: { param, issues: error.issues } })
}

/** The kinds that OpenAI's error objects name, so that its SDKs know them. */
function errorType(code: ErrorCode): string {
  const { status } = ERROR_CODES[code]
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** Errors of the packages below, which cannot import RegraftError but may carry one of its codes. */
function isCoded(error: unknown): error is Error & { code: ErrorCode; hint?: string } {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code in ERROR_CODES
  )
}

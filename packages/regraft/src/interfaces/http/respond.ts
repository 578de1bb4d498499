import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { ERROR_CODES, RegraftError } from '../../errors/index.ts'
import { describeError } from '../../operation/index.ts'

/** Answers with `{"error": {message, type, param, code, hint}}` and the status of the error's code. */
export function respondError(context: Context, error: unknown): Response {
  const description = describeError(error)
  return context.json({ error: description }, ERROR_CODES[description.code].status as ContentfulStatusCode)
}

/** Reads a JSON object from a body; an absent body is an empty one. */
export async function readJsonObject(context: Context): Promise<Record<string, unknown>> {
  const text = await context.req.text()
  if (text.trim() === '') return {}
  if (!/\bjson\b/i.test(context.req.header('content-type') ?? '')) {
    throw new RegraftError('invalid-input', 'the body must be JSON', {
      hint: 'send Content-Type: application/json',
    })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not valid JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new RegraftError('invalid-input', 'the body must be a JSON object')
  }
  return value as Record<string, unknown>
}

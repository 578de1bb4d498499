import type { Context } from 'hono'
import { RegraftError } from '../errors/index.ts'

/** The JSON of a request's body. Throws 'invalid-input'. */
export async function readJson(context: Context): Promise<unknown> {
  return parseBody(await context.req.text())
}

/** Parses the text of a body. Throws 'invalid-input'. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not valid JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
}

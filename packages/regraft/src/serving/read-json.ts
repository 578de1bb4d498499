import type { Context } from 'hono'
import { RegraftError } from '../errors/index.ts'

/** The JSON of a request's body. Throws 'invalid-input'. */
export async function readJson(context: Context): Promise<unknown> {
  try {
    return await context.req.json()
  } catch (cause) {
    throw new RegraftError('invalid-input', `the body is not valid JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
}

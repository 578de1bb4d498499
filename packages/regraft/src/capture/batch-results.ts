import { RegraftError } from '../errors/index.ts'
import { describeError } from '../operation/index.ts'

/**
 * The answer to a request that brought many: for each, in their order, its receipt or why it was refused.
 *
 * Throws 'unavailable' when that is why nothing at all was taken: the sender may come back with all of it.
 */
export function batchResults(results: readonly (object | Error)[]): { object: 'list'; data: object[] } {
  const down = results.find((result) => result instanceof RegraftError && result.code === 'unavailable')
  if (down && results.every((result) => result instanceof Error)) throw down
  const data = results.map((result, index) =>
    result instanceof Error ? { index, error: describeError(result) } : { index, ...result },
  )
  return { object: 'list', data }
}

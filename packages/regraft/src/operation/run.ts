import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import type { AnyOperation } from './define.ts'
import { invalidInput } from './describe-error.ts'
import { findUnstorableIn } from './storable.ts'
import type { OperationContext } from './types.ts'

/**
 * Checks an input as it came from a caller: an unknown field is an error, and so is a text that cannot be stored.
 * Throws 'invalid-input'.
 */
export function parseInput(operation: AnyOperation, input: unknown): Record<string, unknown> {
  const unstorable = findUnstorableIn(input)
  if (unstorable) {
    const { path, reason } = unstorable
    throw new RegraftError('invalid-input', `${path || 'the input'} ${reason}`, {
      details: { param: path || null },
    })
  }
  const parsed = operation.input.strict().safeParse(input)
  if (!parsed.success) throw invalidInput(parsed.error)
  return parsed.data
}

/** Runs an operation on a parsed input; an output that its schema refuses is our mistake, hence 'internal'. */
export async function runOperation(
  operation: AnyOperation,
  context: OperationContext,
  input: Record<string, unknown>,
): Promise<unknown> {
  const output = operation.output.safeParse(await operation.run(context, input))
  if (output.success) return output.data
  const message = `${operation.name} answered with what its schema refuses: ${z.prettifyError(output.error)}`
  throw new RegraftError('internal', message)
}

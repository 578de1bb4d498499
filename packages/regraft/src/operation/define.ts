import type { z } from 'zod'
import type { Operation } from './types.ts'

type OptionalFields = 'positionals' | 'heavy' | 'offline'

/**
 * Defines an operation; its input and output types follow from the two zod schemas.
 *
 * @example
 * export const showJob = defineOperation({
 *   name: 'jobs show', effect: 'read', scope: 'read', mode: 'call', summary: 'Show a job',
 *   input: z.object({ id: z.string() }), output: JobView, positionals: ['id'], example: 'regraft jobs show 0198…',
 *   run: async (context, input) => viewJob(await context.store.jobs.get(input.id)),
 * })
 */
export function defineOperation<Input extends z.ZodObject, Output extends z.ZodType>(
  definition: Omit<Operation<Input, Output>, OptionalFields> &
    Partial<Pick<Operation<Input, Output>, OptionalFields>>,
): Operation<Input, Output> {
  if (!/^[a-z][a-z-]*( [a-z][a-z-]*)?$/.test(definition.name)) {
    throw new Error(`operation name '${definition.name}' is not 'noun verb' in lower case`)
  }
  const { positionals = [], heavy = false, offline = false } = definition
  for (const field of positionals) {
    if (!(field in definition.input.shape)) throw new Error(`${definition.name}: no input field '${field}'`)
  }
  return { ...definition, positionals, heavy, offline }
}

/** An operation of which a registry only knows that it parses its own input and output. */
export type AnyOperation = Operation

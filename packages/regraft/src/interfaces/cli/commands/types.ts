import type { z } from 'zod'
import type { CliContext } from '../context.ts'

/** A command that only exists on the command line, because it is about this machine and not about the store. */
export interface LocalCommand<Input extends z.ZodObject = z.ZodObject> {
  name: string
  summary: string
  input: Input
  positionals: (keyof z.output<Input> & string)[]
  example: string
  hidden?: boolean
  run(cli: CliContext, input: z.output<Input>): Promise<void>
}

export function defineLocalCommand<Input extends z.ZodObject>(
  command: LocalCommand<Input>,
): LocalCommand<Input> {
  return command
}

import { CommanderError } from 'commander'
import { ERROR_CODES } from '../../errors/index.ts'
import { type AnyOperation, describeError } from '../../operation/index.ts'
import { describeFields } from '../fields.ts'
import type { Protocol } from '../http/context.ts'
import type { LocalCommand } from './commands/types.ts'
import type { CliContext } from './context.ts'
import { readInput } from './input.ts'
import { buildProgram, explainCommanderError } from './program.ts'
import { createTerminal } from './terminal.ts'

export interface CliParts {
  operations: readonly AnyOperation[]
  localCommands: readonly LocalCommand[]
  /** Loaded when a command needs the HTTP app. */
  protocols: () => Promise<readonly Protocol[]>
  environment: Readonly<Record<string, string | undefined>>
  interrupted: AbortSignal
  onTermination: CliContext['onTermination']
}

/** Runs one command line; returns the exit code of the process. */
export async function runCli(argv: readonly string[], parts: CliParts): Promise<number> {
  const debug = Boolean(parts.environment.REGRAFT_DEBUG)
  const terminal = createTerminal(argv.includes('--json'))
  const context = (options: CliContext['options']): CliContext => ({
    options,
    terminal,
    operations: parts.operations,
    protocols: parts.protocols,
    interrupted: parts.interrupted,
    onTermination: parts.onTermination,
    debug,
  })
  let exit = 0
  const program = buildProgram({
    operations: parts.operations,
    localCommands: parts.localCommands,
    async runOperation(options, operation, line) {
      const { runOperationCommand } = await import('./run-operation.ts')
      exit = await runOperationCommand(context(options), operation, line)
    },
    async runLocal(options, command, texts) {
      const values = await readInput(command.input, describeFields(command.input), command.positionals, texts)
      await command.run(context(options), command.input.parse(values))
    },
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exit
  } catch (error) {
    const failure = error instanceof CommanderError ? explainCommanderError(error, program) : error
    if (failure === null) return 0
    const description = describeError(failure)
    terminal.note(`error[${description.code}]: ${description.message}`)
    if (description.hint) terminal.note(`fix: ${description.hint}`)
    if (debug && failure instanceof Error) terminal.note(traceOf(failure))
    if (terminal.json) terminal.print(JSON.stringify({ error: description }, null, 2))
    return ERROR_CODES[description.code].exit
  }
}

function traceOf(error: Error): string {
  const trace = error.stack ?? String(error)
  return error.cause instanceof Error ? `${trace}\ncaused by ${traceOf(error.cause)}` : trace
}

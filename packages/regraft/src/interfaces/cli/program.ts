import { Argument, Command, type CommanderError, Option } from 'commander'
import type { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { type AnyOperation, fileMark, kebabCase } from '../../operation/index.ts'
import { describeFields, type Field } from '../fields.ts'
import { VERSION } from '../version.ts'
import type { LocalCommand } from './commands/types.ts'
import type { GlobalOptions } from './context.ts'
import type { Texts } from './input.ts'
import type { CommandLine } from './run-operation.ts'

export interface Program {
  operations: readonly AnyOperation[]
  localCommands: readonly LocalCommand[]
  runOperation(options: GlobalOptions, operation: AnyOperation, line: CommandLine): Promise<void>
  runLocal(options: GlobalOptions, command: LocalCommand, texts: Texts): Promise<void>
}

/** Builds the command line from the operations and the local commands. */
export function buildProgram(program: Program): Command {
  const root = new Command('regraft')
    .description(
      'Fine-tuned language models that can be rebuilt: from traffic to clean data, adapters, gates and routes',
    )
    .version(VERSION)
    .option('--config <file>', 'configuration file (default: the nearest regraft.yaml)')
    .option('--data <folder>', 'data directory')
    .option('--project <name>', 'project')
    .option('--url <url>', 'work on a remote server; its key is read from REGRAFT_API_KEY')
    .option('--json', 'print the answer as JSON')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ outputError: () => {} })

  const groups = new Map<string, Command>()
  const addCommand = (name: string, summary: string, hidden = false) => {
    const [first, verb] = name.split(' ') as [string, string | undefined]
    const parent = verb === undefined ? root : (groups.get(first) ?? root.command(first).helpCommand(false))
    if (verb !== undefined) groups.set(first, parent)
    const command = parent
      .command(verb ?? first, { hidden })
      .description(summary)
      .summary(summary)
    return command.configureHelp({ showGlobalOptions: true })
  }

  for (const operation of program.operations) {
    const command = addCommand(operation.name, operation.summary)
    const fields = addInput(command, operation.input, operation.positionals)
    const outputs = outputFiles(operation)
    for (const name of outputs) command.option(`--${kebabCase(name)} <path>`, 'save the file here')
    if (operation.mode === 'job') command.option('--detach', 'print the job and return while it runs on')
    if (operation.confirm) command.option('--yes', 'do it without asking')
    addExample(command, operation.example)
    command.action(async () => {
      const options = command.opts<Record<string, string>>()
      const save = Object.fromEntries(
        outputs.flatMap((name) => (options[name] ? [[name, options[name]]] : [])),
      )
      const texts = readTexts(command, fields, operation.positionals)
      const detach = Boolean(options.detach)
      const yes = Boolean(options.yes)
      await program.runOperation(root.opts<GlobalOptions>(), operation, { texts, save, detach, yes })
    })
  }
  for (const local of program.localCommands) {
    const command = addCommand(local.name, local.summary, local.hidden)
    const fields = addInput(command, local.input, local.positionals)
    addExample(command, local.example)
    command.action(async () => {
      const texts = readTexts(command, fields, local.positionals)
      await program.runLocal(root.opts<GlobalOptions>(), local, texts)
    })
  }
  for (const [name, group] of groups) {
    const verbs = group.commands.map((command) => command.name()).join(', ')
    group.description(verbs).summary(verbs)
    group.action(() => {
      throw new RegraftError(
        'invalid-input',
        group.args[0] ? unknownVerb(group) : `${name}: which of ${verbs}?`,
        {
          hint: `regraft ${name} --help`,
        },
      )
    })
    group.allowExcessArguments(true)
  }
  return root
}

/** What went wrong on the command line, in our words; null when nothing did (help, version). */
export function explainCommanderError(error: CommanderError, root: Command): RegraftError | null {
  // 'commander.help': no command was given and the help has been printed.
  if (error.exitCode === 0 || error.code === 'commander.help') return null
  const message = error.message.replace(/^error: /, '').replace(/\s+/g, ' ')
  return new RegraftError('invalid-input', message, { hint: `${commandPath(root)} --help` })
}

/** The command that the arguments name, as far as they name one. */
function commandPath(root: Command): string {
  const names = ['regraft']
  let current = root
  for (const argument of root.args) {
    const next = current.commands.find((command) => command.name() === argument)
    if (!next) break
    names.push(argument)
    current = next
  }
  return names.join(' ')
}

function unknownVerb(group: Command): string {
  return `there is no command '${group.name()} ${group.args[0]}', only ${group.commands.map((command) => command.name()).join(', ')}`
}

function addInput(command: Command, input: z.ZodObject, positionals: readonly string[]): Field[] {
  const fields = describeFields(input)
  for (const name of positionals) {
    const field = fields.find((one) => one.name === name)!
    const text = `${kebabCase(name)}${field.many ? '...' : ''}`
    command.addArgument(new Argument(field.required ? `<${text}>` : `[${text}]`, describe(field)))
  }
  for (const field of fields) if (!positionals.includes(field.name)) command.addOption(toOption(field))
  return fields
}

function toOption(field: Field): Option {
  const name = kebabCase(field.name)
  if (field.kind === 'boolean') {
    const flag = field.default === true ? `--no-${name}` : `--${name}`
    return new Option(flag, describe({ ...field, default: undefined }))
  }
  const option = new Option(
    `--${name} <${field.kind === 'local-path' ? 'path' : field.kind}>`,
    field.required ? `${describe(field)} (required)` : describe(field),
  )
  if (field.many) {
    const split = splitsAtCommas(field)
    option.argParser((text: string, before: string[] | undefined) => [
      ...(before ?? []),
      ...(split ? text.split(',') : [text]),
    ])
  }
  return option.makeOptionMandatory(field.required)
}

/** Numbers and choices hold no commas, so `--weights 1,1` means two of them. */
function splitsAtCommas({ kind }: Field): boolean {
  return kind === 'number' || kind === 'choice'
}

function describe(field: Field): string {
  const parts = [field.description]
  if (field.choices.length > 0) parts.push(`(${field.choices.join(' | ')})`)
  const empty = field.default === undefined || (Array.isArray(field.default) && field.default.length === 0)
  if (!empty)
    parts.push(`(default: ${Array.isArray(field.default) ? field.default.join(',') : field.default})`)
  if (field.many) parts.push(splitsAtCommas(field) ? '(several with commas)' : '(repeatable)')
  return parts.filter(Boolean).join(' ')
}

function readTexts(command: Command, fields: readonly Field[], positionals: readonly string[]): Texts {
  const options = command.opts<Texts>()
  const texts: Texts = {}
  for (const field of fields) {
    const place = positionals.indexOf(field.name)
    const given = place >= 0 ? (command.processedArgs[place] as Texts[string]) : options[field.name]
    // Commander sets a negatable option to true by itself; the schema's default says the same.
    if (given === undefined || (field.default === true && given === true)) continue
    texts[field.name] = given
  }
  return texts
}

function outputFiles(operation: AnyOperation): string[] {
  const shape = (operation.output as Partial<z.ZodObject>).shape ?? {}
  return describeFields({ shape } as z.ZodObject)
    .map((field) => field.name)
    .filter((name) => isOutputFile(shape[name] as z.core.$ZodType))
}

function isOutputFile(schema: z.core.$ZodType): boolean {
  const mark = fileMark(schema)
  if (mark === 'output' || mark === 'text') return true
  const inner = (schema as Partial<z.ZodOptional>)._zod?.def.innerType
  return inner ? isOutputFile(inner) : false
}

function addExample(command: Command, example: string): void {
  command.addHelpText('after', `\nExample:\n  $ ${example}`)
}

// The documentation against the code: every verb is documented, every command line parses, every link leads somewhere.
// `npx vitest run tests/docs.test.ts -u` writes docs/reference anew.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type Command, CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { configJsonSchema } from '../packages/regraft/src/config/index.ts'
import { ERROR_CODES } from '../packages/regraft/src/errors/index.ts'
import { localCommands } from '../packages/regraft/src/interfaces/cli/commands/index.ts'
import { readInput, type Texts } from '../packages/regraft/src/interfaces/cli/input.ts'
import { buildProgram } from '../packages/regraft/src/interfaces/cli/program.ts'
import { describeFields, type Field } from '../packages/regraft/src/interfaces/fields.ts'
import { hasGetRoute, operationPath } from '../packages/regraft/src/interfaces/http/paths.ts'
import { operations } from '../packages/regraft/src/interfaces/operations/index.ts'
import { type AnyOperation, kebabCase } from '../packages/regraft/src/operation/index.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGES = globSync(
  ['*.md', 'docs/**/*.md', 'packages/*/README.md', 'packages/regraft/bases/**/README.md'],
  { cwd: ROOT },
).sort()
const text = new Map(PAGES.map((page) => [page, readFileSync(join(ROOT, page), 'utf8')]))
const verbs = [...operations, ...localCommands]

test('every operation and every local command is documented outside the reference', () => {
  const written = PAGES.filter((page) => page.startsWith('docs/') && !page.startsWith('docs/reference/'))
  const docs = written.map((page) => text.get(page)).join('\n')
  const undocumented = verbs.filter(({ name }) => !new RegExp(`[\`$ ]${name}\\b`).test(docs))
  expect(undocumented.map(({ name }) => name)).toEqual([])
})

test('every error code is documented with its status and exit code', () => {
  const table = text.get('docs/operations.md')!
  for (const [code, { status, exit }] of Object.entries(ERROR_CODES)) {
    expect(table).toContain(`| \`${code}\` | ${status} | ${exit} |`)
  }
})

test('every relative link leads to a file and, where it names one, to a heading', () => {
  const broken: string[] = []
  let checked = 0
  for (const [page, content] of text) {
    for (const [, target] of withoutCode(content).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue
      checked++
      const [path, anchor] = target!.split('#') as [string, string | undefined]
      const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path))
      const found = existsSync(join(ROOT, file))
      if (!found || (anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, file), 'utf8')).has(anchor)))
        broken.push(`${page}: ${target}`)
    }
  }
  expect(broken).toEqual([])
  expect(checked).toBeGreaterThan(80)
})

test('every page of docs is linked from another page', () => {
  const targets = new Set(
    [...text].flatMap(([page, content]) =>
      [...content.matchAll(/\]\(([^)\s#]+)/g)].map(([, target]) =>
        relative(ROOT, join(ROOT, dirname(page), target!)),
      ),
    ),
  )
  expect(PAGES.filter((page) => page.startsWith('docs/') && !targets.has(page))).toEqual([])
})

test('every regraft command line in a fenced block parses against the real command line', async () => {
  const lines = [...text].flatMap(([page, content]) =>
    commandLines(content).map((line) => ({ page, line, words: splitWords(line) })),
  )
  expect(lines.length).toBeGreaterThan(40)
  const wrong: string[] = []
  for (const { page, line, words } of lines) {
    const problem = await parse(words)
    if (problem) wrong.push(`${page}: ${line}: ${problem}`)
  }
  expect(wrong).toEqual([])
})

test('an unknown verb, an unknown option and a value of the wrong kind are found', async () => {
  expect(await parse(['fleet', 'lst'])).toMatch(/no command 'fleet lst'/)
  expect(await parse(['fleet', 'list', '--al'])).toMatch(/unknown option '--al'/)
  expect(await parse(['training', 'run', '--epochs', 'six'])).toMatch(/expected a number/)
  expect(await parse(['training', 'run', '--epochs', '0'])).toMatch(/epochs/)
  expect(await parse(['fleet', 'rebuild'])).toMatch(/missing required argument/)
  expect(await parse(splitWords(`keys create "support desk" --scope infer,feedback # a comment`))).toBe(null)
})

test('no page contains a path of somebody’s machine', () => {
  const found = [...text].flatMap(([page, content]) =>
    [...content.matchAll(/(?<![\w.])\/(?:work|root|home|tmp|Users|mnt|opt)\/[^\s)`]*/g)].map(
      ([path]) => `${page}: ${path}`,
    ),
  )
  expect(found).toEqual([])
})

test('the reference of commands is that of the code', async () => {
  await expect(`${commandReference()}\n`).toMatchFileSnapshot(join(ROOT, 'docs/reference/commands.md'))
})

test('the reference of the configuration is that of the schema', async () => {
  await expect(`${configurationReference()}\n`).toMatchFileSnapshot(
    join(ROOT, 'docs/reference/configuration.md'),
  )
})

/** Parses a command line without running it; returns what is wrong with it, or null. */
async function parse(words: string[]): Promise<string | null> {
  const check = async (verb: (typeof verbs)[number], texts: Texts) => {
    const values = readInput(verb.input, describeFields(verb.input), verb.positionals, texts)
    // Inputs are checked first; whether the files of an example are here says nothing.
    await values.catch((error) => {
      if (error.code !== 'invalid-file') throw error
    })
  }
  const program = buildProgram({
    operations,
    localCommands,
    runOperation: (_, operation, line) => check(operation, line.texts),
    runLocal: (_, command, texts) => check(command, texts),
  })
  silence(program)
  try {
    await program.parseAsync(words, { from: 'user' })
    return null
  } catch (error) {
    return error instanceof CommanderError && error.exitCode === 0 ? null : (error as Error).message
  }
}

/** Keeps help from being printed; subcommands have taken over the settings when they were made. */
function silence(command: Command): void {
  command.configureOutput({ writeOut: () => {} })
  for (const inner of command.commands) silence(inner)
}

/** Lines of shell blocks that call regraft, without prompt and runner. */
function commandLines(content: string): string[] {
  return fencedBlocks(content).flatMap((block) =>
    block
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .flatMap((line) => /^\s*(?:\$ )?(?:npx )?regraft\s+(.*)$/.exec(line)?.[1] ?? []),
  )
}

function fencedBlocks(content: string): string[] {
  return [...content.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, block]) => block!)
}

function withoutCode(content: string): string {
  return content.replaceAll(/^```\w*\n.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '')
}

/** Words of a shell line, up to a comment, a redirection or another command. */
function splitWords(line: string): string[] {
  const words: string[] = []
  for (const [, quoted, single, plain] of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    if (plain !== undefined && /^(#|>|\||&&|;)/.test(plain)) break
    words.push(quoted ?? single ?? plain!)
  }
  return words
}

/** Anchors that the headings of a page get. */
function anchorsOf(content: string): Set<string> {
  const headings = [...content.replaceAll(/^```\w*\n.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)]
  return new Set(
    headings.map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function commandReference(): string {
  const describe = (verb: (typeof verbs)[number]) => {
    const fields = describeFields(verb.input)
    const usage = verb.positionals.map((name) => {
      return fields.find((field) => field.name === name)?.required
        ? `<${kebabCase(name)}>`
        : `[${kebabCase(name)}]`
    })
    const operation = operations.find(({ name }) => name === verb.name)
    return [
      `## regraft ${verb.name}`,
      '',
      `${verb.summary}.`,
      '',
      '```sh',
      verb.example,
      '```',
      '',
      operation ? httpLine(operation) : 'On the command line only.',
      ...(fields.length === 0
        ? []
        : ['', '| option | kind | default | meaning |', '|---|---|---|---|', ...fields.map(rowOf)]),
    ].join('\n')
    function rowOf(field: Field): string {
      const name = verb.positionals.includes(field.name)
        ? usage[verb.positionals.indexOf(field.name)]!
        : `--${field.default === true ? 'no-' : ''}${kebabCase(field.name)}`
      const kind = field.kind === 'choice' ? field.choices.join(', ') : field.kind
      const list = field.many ? `${kind}, several` : kind
      const standard = field.required
        ? 'required'
        : Array.isArray(field.default)
          ? field.default.join(', ')
          : field.default
      return `| \`${name}\` | ${list} | ${standard ?? ''} | ${field.description.replaceAll('|', '\\|')} |`
    }
  }
  const shown = verbs.filter((verb) => !('hidden' in verb && verb.hidden))
  return [
    '# Commands',
    '',
    'Written by `tests/docs.test.ts` from the definitions. Options of every command are on the [operations page](../operations.md).',
    'Modes: a call answers at once; a job is durable and takes `--detach`; a stream sends progress.',
    '',
    ...shown.map(describe).join('\n\n').split('\n'),
  ].join('\n')
}

function httpLine(operation: AnyOperation): string {
  const { effect, mode, scope } = operation
  const methods = hasGetRoute(operation) ? 'GET or POST' : 'POST'
  const heavy = operation.heavy ? ', heavy' : ''
  return `\`${methods} ${operationPath(operation)}\` · mode ${mode}${heavy} · effect ${effect} · scope \`${scope}\``
}

interface Schema {
  type?: string
  description?: string
  default?: unknown
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  /** Of a value with a `kind`, or a list of such values told apart by `require`: one for each. */
  oneOf?: Schema[]
  items?: Schema
  const?: string
}

function configurationReference(): string {
  const rows: string[] = []
  const visit = (schema: Schema, path: string) => {
    const inside = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null
    if (path !== '') {
      const isGroup = schema.properties !== undefined || inside !== null || schema.oneOf !== undefined
      const standard = isGroup || schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``
      rows.push(
        `| \`${path}\` | ${isGroup ? '' : (schema.type ?? '')} | ${standard} | ${schema.description ?? ''} |`,
      )
    }
    visitMembers(schema.properties ?? {}, path)
    if (inside) visit(inside, `${path}.<name>`)
    visitKinds(schema.oneOf ?? [], path)
    visitKinds(schema.items?.oneOf ?? [], `${path}[]`)
  }
  const visitKinds = (kinds: Schema[], path: string) => {
    for (const { properties = {}, description = '' } of kinds) {
      const [tag, { const: name } = {}] = Object.entries(properties).find(([, child]) => child.const) ?? []
      rows.push(`| \`${path}.${tag}: ${name}\` |  |  | ${description} |`)
      visitMembers(Object.fromEntries(Object.entries(properties).filter(([key]) => key !== tag)), path)
    }
  }
  const visitMembers = (members: Record<string, Schema>, path: string) => {
    for (const [name, child] of Object.entries(members)) visit(child, path === '' ? name : `${path}.${name}`)
  }
  visit(configJsonSchema() as Schema, '')
  return [
    '# Configuration keys',
    '',
    'Written by `tests/docs.test.ts` from the schema. How the file is found and read is on the [configuration page](../configuration.md).',
    '† marks our defaults, which are not established facts.',
    '',
    '| key | kind | default | meaning |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

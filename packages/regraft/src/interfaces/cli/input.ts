import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { type InputFile, kebabCase, looksLikePath } from '../../operation/index.ts'
import { type Field, parseField } from '../fields.ts'
import type { Session } from './session.ts'

/** Texts from the command line by field name, as commander collected them. */
export type Texts = Record<string, string | string[] | boolean | undefined>

/** A path that the user gave where a file is expected; it becomes an InputFile when it is uploaded. */
class LocalFile {
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
}

/**
 * Reads an input from the command line and checks it before anything is opened or uploaded.
 *
 * Throws 'invalid-input' in the words of the command line, 'invalid-file' for a path without a file.
 */
export async function readInput(
  input: z.ZodObject,
  fields: Field[],
  positionals: string[],
  texts: Texts,
): Promise<Record<string, unknown>> {
  const label = (name: string) =>
    positionals.includes(name) ? `<${kebabCase(name)}>` : `--${kebabCase(name)}`
  const values: Record<string, unknown> = {}
  for (const field of fields) {
    const given = texts[field.name]
    if (given === undefined) continue
    const parse = (text: string | boolean) => {
      if (typeof text === 'boolean') return text
      if (field.kind === 'path') return looksLikePath(text) ? absolutePath(text) : text
      if (field.kind === 'local-path') return absolutePath(text)
      return field.kind === 'file' ? new LocalFile(text) : parseField(field, text, label(field.name))
    }
    values[field.name] = Array.isArray(given) ? given.map(parse) : parse(given)
  }
  const checked = input
    .strict()
    .safeParse(
      mapFiles(values, (file) => ({ digest: `sha256:${'0'.repeat(64)}`, name: basename(file.path) })),
    )
  if (!checked.success) {
    const lines = checked.error.issues.map((issue) => {
      const [name, ...rest] = issue.path
      const place =
        name === undefined ? '' : `${label(String(name))}${rest.length > 0 ? `.${rest.join('.')}` : ''}: `
      return place + issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
    })
    throw new RegraftError('invalid-input', lines.join('\n'))
  }
  for (const file of files(values)) await requireFile(file.path)
  return values
}

/** Uploads the files of an input and puts their digests in their place. */
export async function uploadFiles(
  values: Record<string, unknown>,
  session: Session,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const uploaded = new Map<LocalFile, InputFile>()
  for (const file of files(values)) {
    const { digest } = await session.request(
      '/api/blobs',
      {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: () => createReadStream(file.path),
        repeatable: true,
        signal,
      },
      (response) => response.json() as Promise<{ digest: string }>,
    )
    uploaded.set(file, { digest, name: basename(file.path) })
  }
  return mapFiles(values, (file) => uploaded.get(file)!)
}

function files(values: Record<string, unknown>): LocalFile[] {
  return Object.values(values)
    .flat()
    .filter((value) => value instanceof LocalFile)
}

function mapFiles(
  values: Record<string, unknown>,
  map: (file: LocalFile) => InputFile,
): Record<string, unknown> {
  const mapOne = (value: unknown) => (value instanceof LocalFile ? map(value) : value)
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(mapOne) : mapOne(value),
    ]),
  )
}

function absolutePath(path: string): string {
  return /^~[\\/]/.test(path) ? join(homedir(), path.slice(2)) : resolve(path)
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found?.isFile()) return
  throw new RegraftError('invalid-file', found ? `${path} is not a file` : `there is no file ${path}`, {
    hint: 'check the path; it is relative to the working folder',
  })
}

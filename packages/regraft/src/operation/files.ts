import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import type { OperationContext } from './types.ts'

const FileMark = 'x-regraft-file'
const BlobDigest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits, as POST /api/blobs returns it')

/**
 * A file that the caller hands in.
 *
 * The CLI takes a path, uploads the file and passes what it got; HTTP takes the digest of an uploaded blob, never a
 * path of the server. An operation reads it with `context.store.blobs`.
 */
export const InputFile = z
  .object({
    digest: BlobDigest,
    name: z.string().describe('the name that the file had where it came from'),
  })
  .meta({ [FileMark]: 'input', description: 'An uploaded file' })
export type InputFile = z.output<typeof InputFile>

/**
 * A file that an operation hands out: a blob in the store.
 *
 * A field `out` of this type in the output gives the command an option `--out <path>`, where the CLI saves the file.
 */
export const OutputFile = z
  .object({
    digest: BlobDigest,
    name: z.string().describe('a file name to save it under'),
    size: z.number().int().describe('bytes'),
  })
  .meta({ [FileMark]: 'output', description: 'A file to fetch from /api/blobs' })
export type OutputFile = z.output<typeof OutputFile>

/**
 * A text that an operation hands out in the answer itself, so that it is stored nowhere: only in the mode 'call'.
 *
 * A field of this type in the output gives the command an option of its name, as for OutputFile; what is saved is not
 * printed.
 */
export const OutputText = z
  .object({
    name: z.string().describe('a file name to save it under'),
    text: z.string().describe('what it holds; empty once the CLI has saved it'),
  })
  .meta({ [FileMark]: 'text', description: 'A file handed out in the answer itself' })
export type OutputText = z.output<typeof OutputText>

/**
 * Something by its name, or a path of the machine that holds the data directory: what is too big to upload is used where
 * it lies. The CLI makes a path absolute; an operation refuses a path unless the caller is 'local'.
 */
export const NameOrPath = z
  .string()
  .min(1)
  .meta({ [FileMark]: 'path', description: 'A name, or a path on the machine of the data directory' })

/** A path of the machine that holds the data directory, which the CLI makes absolute; else as NameOrPath. */
export const LocalPath = z
  .string()
  .min(1)
  .meta({ [FileMark]: 'local-path', description: 'A path on the machine of the data directory' })

/** Throws 'forbidden' for whoever is not on the machine itself: a path would tell them what lies there. */
export function requireLocal({ principal }: Pick<OperationContext, 'principal'>, command: string): void {
  if (principal.id === 'local') return
  throw new RegraftError('forbidden', 'paths are only taken from the command line on the machine itself', {
    hint: `run \`${command}\` where the files are`,
  })
}

/** Whether a text is meant as a path: it begins with a dot, a slash, a drive or ~, or ends like a file of weights. */
export function looksLikePath(text: string): boolean {
  return /^([./~]|[A-Za-z]:[\\/])|\.(gguf|whl)$/i.test(text)
}

const FILE_MARKS = ['input', 'output', 'text', 'path', 'local-path'] as const
type FileMark = (typeof FILE_MARKS)[number]

/** Says which of the file marks a schema carries (inside optional, default, nullable or array, look inside first). */
export function fileMark(schema: z.core.$ZodType): FileMark | null {
  const mark = z.globalRegistry.get(schema)?.[FileMark]
  return FILE_MARKS.find((one) => one === mark) ?? null
}

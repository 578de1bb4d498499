import { z } from 'zod'

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

/** Says whether a schema is one of the two file marks (inside optional, default, nullable or array, look inside first). */
export function fileMark(schema: z.core.$ZodType): 'input' | 'output' | null {
  const mark = z.globalRegistry.get(schema)?.[FileMark]
  return mark === 'input' || mark === 'output' ? mark : null
}

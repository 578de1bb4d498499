import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import type { AnyOperation } from './define.ts'

/** `maxRows` as an option: `max-rows`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/**
 * The command line that asks an operation for the same, to be pasted into a shell; what has its default is left out. An uploaded
 * file has the name that it came with.
 */
export function commandLine(
  operation: Pick<AnyOperation, 'name' | 'input' | 'positionals'>,
  input: Record<string, unknown>,
): string {
  const { name, positionals, input: schema } = operation
  const words = ['regraft', name, ...positionals.flatMap((field) => textsOf(input[field]))]
  for (const [field, fieldSchema] of Object.entries(schema.shape)) {
    const value = input[field]
    if (positionals.includes(field) || isDefault(fieldSchema as z.ZodType, value)) continue
    const option = kebabCase(field)
    if (typeof value === 'boolean') words.push(value ? `--${option}` : `--no-${option}`)
    else words.push(...textsOf(value).map((text) => `--${option} ${text}`))
  }
  return words.join(' ')
}

/** Whether leaving the field out means the same. */
function isDefault(schema: z.ZodType, value: unknown): boolean {
  if (value === undefined || value === null) return true
  const absent = schema.safeParse(undefined)
  return absent.success && isDeepStrictEqual(absent.data ?? false, value)
}

function textsOf(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value !== 'object') return [shellWord(String(value))]
  return [shellWord('name' in value && 'digest' in value ? String(value.name) : JSON.stringify(value))]
}

/** A text as one word of a POSIX shell, quoted where it must be. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

import { inferenceIdOf } from './row-ids.ts'

const UUID = /^(?:chatcmpl-|cmpl-|resp_)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Where OpenAI's requests and logs of products name the end user. */
const USER_FIELDS = ['subject', 'safety_identifier', 'user']

/** A field's value, or why it cannot be used. */
export type Field<Value> = { value: Value } | { reason: string }

/** Looks up a field by its name, or by a path of names with dots between them. */
export function fieldOf(record: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name]
  let value: unknown = record
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** The values of the fields that were asked for beside a row. */
export function pickFields(
  record: Record<string, unknown>,
  names: readonly string[] | undefined,
): { fields?: Record<string, unknown> } {
  if (names === undefined) return {}
  return { fields: Object.fromEntries(names.map((name) => [name, fieldOf(record, name)])) }
}

/** Reads the end user of a record: the named field, else the first of the usual ones; null when there is none. */
export function readUser(
  record: Record<string, unknown>,
  named: string | null | undefined,
  usual: readonly string[] = USER_FIELDS,
): Field<string | null> {
  const name = named ?? usual.find((field) => record[field] != null)
  if (name === undefined) return { value: null }
  const value = fieldOf(record, name)
  if (value == null || value === '') return { value: null }
  if (typeof value === 'number' && Number.isFinite(value)) return { value: String(value) }
  if (typeof value !== 'string') return { reason: `has a ${name} that is neither a text nor a number` }
  return { value: value.trim() === '' ? null : value }
}

/** Reads ids of rows: an array of UUIDs, or a text with white space, commas, semicolons or bars between them. */
export function readDerivedFrom(value: unknown, name: string): Field<string[]> {
  if (value == null) return { value: [] }
  const parts = Array.isArray(value) ? value : String(value).split(/[\s,;|]+/)
  const ids: string[] = []
  for (const part of parts) {
    if (part === '') continue
    if (typeof part !== 'string' || !UUID.test(part)) {
      return { reason: `has a ${name} that names something other than UUIDs of rows` }
    }
    ids.push(inferenceIdOf(part))
  }
  return { value: [...new Set(ids)] }
}

// What a line of an evaluation file says of its item beside text and answer: slices and choices.
import { RegraftError } from '../errors/index.ts'
import { findUnstorableIn } from '../operation/index.ts'

/** A slice is a word of the operator. Longer values, or more of them, are texts or ids: those must not stand in the clear. */
const MOST_CHARACTERS = 64
const MOST_VALUES = 100
/** Below so many values even a small suite may have a value for every few items. */
const FEW_VALUES = 20
const MOST_CHOICES = 1000

/** Which fields of a file hold what. */
export interface ItemFields {
  slices: readonly string[]
  choices: string | null
}

export interface ItemParts {
  slices?: Record<string, string>
  choices?: string[]
}

/** The names of the fields that a file must be read with. `slices` is where `vault export` puts them. */
export function fieldNames({ slices, choices }: ItemFields, isTable: boolean): string[] {
  return [
    ...slices,
    ...(choices === null ? [] : [choices]),
    ...(isTable || slices.length === 0 ? [] : ['slices']),
  ]
}

/** Reads slices and choices, or says why the line cannot be an item. `expected` must be one of the choices. */
export function readItemParts(
  fields: Record<string, unknown>,
  wanted: ItemFields,
  expected: string,
): ItemParts | { reason: string } {
  const parts: ItemParts = {}
  const nested = fields.slices
  for (const name of wanted.slices) {
    const value = fields[name] ?? (isRecord(nested) ? nested[name] : undefined)
    if (value == null || value === '') continue
    if (typeof value === 'object') return { reason: `has a ${name} that is no word` }
    const word = String(value).trim()
    if (word === '') continue
    if (word.length > MOST_CHARACTERS) {
      return { reason: `has a ${name} of more than ${MOST_CHARACTERS} characters: slices stay in the clear` }
    }
    const unstorable = findUnstorableIn({ [name]: word })
    if (unstorable) return { reason: `has a ${name} that ${unstorable.reason}` }
    parts.slices = { ...parts.slices, [name]: word }
  }
  if (wanted.choices === null) return parts
  const choices = readChoices(fields[wanted.choices])
  if (choices === null) {
    return { reason: `has no ${wanted.choices} that is a list of texts, in JSON or with | between them` }
  }
  const unstorable = findUnstorableIn({ choices })
  if (unstorable) return { reason: `has a choice that ${unstorable.reason}` }
  if (choices.length < 2 || choices.length > MOST_CHOICES) {
    return { reason: `has ${choices.length} choices, not between 2 and ${MOST_CHOICES}` }
  }
  if (new Set(choices).size < choices.length) return { reason: 'has the same choice twice' }
  if (!choices.includes(expected)) return { reason: 'has a right answer that is none of its choices' }
  return { ...parts, choices }
}

function readChoices(value: unknown): string[] | null {
  if (Array.isArray(value)) {
    return value.every((one) => typeof one === 'string' && one.trim() !== '')
      ? value.map((one: string) => one.trim())
      : null
  }
  if (typeof value !== 'string' || value.trim() === '') return null
  if (value.trim().startsWith('[')) {
    try {
      return readChoices(JSON.parse(value))
    } catch {
      // A text that only begins like JSON.
    }
  }
  const choices = value.split('|').map((one) => one.trim())
  return choices.includes('') ? null : choices
}

/** Throws 'invalid-input' for a slice that no item has, and for one with more values than anybody looks at one by one. */
export function checkSlices(items: readonly Pick<ItemParts, 'slices'>[], wanted: readonly string[]): void {
  const values = new Map<string, Set<string>>()
  for (const { slices = {} } of items) {
    for (const [name, word] of Object.entries(slices)) {
      const known = values.get(name) ?? new Set()
      values.set(name, known.add(word))
    }
  }
  for (const [name, { size }] of values) {
    if (size <= Math.min(MOST_VALUES, Math.max(FEW_VALUES, items.length / 3))) continue
    throw new RegraftError(
      'invalid-input',
      `${name} has ${size} different values in ${items.length} items: it is a text or an id, not a slice`,
      { hint: 'slices stay in the clear: name columns such as the channel or the language with --slice' },
    )
  }
  const missing = wanted.find((name) => !values.has(name))
  if (items.length === 0 || missing === undefined) return
  throw new RegraftError('invalid-input', `no item has a ${missing}: it cannot be a slice`, {
    hint: 'name a column or field of the file with --slice',
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { fileMark } from '../operation/index.ts'

/** How a field of an operation's input is written as text, on a command line or in a query. */
export interface Field {
  name: string
  kind: 'text' | 'number' | 'boolean' | 'choice' | 'file' | 'path' | 'local-path' | 'json'
  choices: string[]
  /** May be given several times. */
  many: boolean
  required: boolean
  default: unknown
  description: string
}

const FIELD_OF_MARK = {
  input: 'file',
  output: 'json',
  text: 'json',
  path: 'path',
  'local-path': 'local-path',
} as const

/** Describes the fields of an input schema in the order in which it names them. */
export function describeFields(input: z.ZodObject): Field[] {
  return Object.entries(input.shape).map(([name, schema]) => describeField(name, schema as z.core.$ZodType))
}

/** Reads the text of one field; `label` is what the user wrote it under, for the error. */
export function parseField(field: Field, text: string, label: string): unknown {
  const refuse = (expected: string) =>
    new RegraftError('invalid-input', `${label}: expected ${expected}, found '${text}'`, {
      details: { param: field.name },
    })
  switch (field.kind) {
    case 'number': {
      const value = text.trim() === '' ? Number.NaN : Number(text)
      if (Number.isNaN(value)) throw refuse('a number')
      return value
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw refuse('true or false')
      return text === 'true'
    case 'choice':
      if (!field.choices.includes(text)) throw refuse(`one of ${field.choices.join(', ')}`)
      return text
    case 'json':
      try {
        return JSON.parse(text)
      } catch {
        const pairs = parsePairs(text)
        if (pairs) return pairs
        throw refuse('JSON, or name=value pairs')
      }
    default:
      return text
  }
}

/** `q_proj=8,v_proj=16` as an object; null when the text is something else. */
function parsePairs(text: string): Record<string, unknown> | null {
  if (!/^[^=,{}[\]"]+=[^=,]+(,[^=,{}[\]"]+=[^=,]+)*$/.test(text)) return null
  const pairs = text.split(',').map((pair) => {
    const [name, value] = pair.split('=') as [string, string]
    const number = Number(value)
    return [name.trim(), Number.isNaN(number) ? value.trim() : number]
  })
  return Object.fromEntries(pairs)
}

function describeField(name: string, schema: z.core.$ZodType): Field {
  const field: Field = {
    name,
    kind: 'json',
    choices: [],
    many: false,
    required: true,
    default: undefined,
    description: '',
  }
  let current = schema
  for (;;) {
    field.description ||= z.globalRegistry.get(current)?.description ?? ''
    const mark = fileMark(current)
    if (mark) return { ...field, kind: FIELD_OF_MARK[mark] }
    const def = (current as z.core.$ZodTypes)._zod.def
    switch (def.type) {
      case 'optional':
      case 'nullable':
        field.required = false
        current = def.innerType
        continue
      case 'default':
      case 'prefault':
        field.required = false
        field.default = def.defaultValue
        current = def.innerType
        continue
      case 'readonly':
      case 'nonoptional':
      case 'catch':
        current = def.innerType
        continue
      case 'pipe':
        current = def.in
        continue
      case 'array':
        if (field.many) return field
        field.many = true
        current = def.element
        continue
      case 'string':
      case 'template_literal':
        return { ...field, kind: 'text' }
      case 'number':
        return { ...field, kind: 'number' }
      case 'boolean':
        return { ...field, kind: 'boolean' }
      case 'enum':
        return { ...field, kind: 'choice', choices: Object.values(def.entries).map(String) }
      default:
        return field
    }
  }
}

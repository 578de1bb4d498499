import { isDeepStrictEqual } from 'node:util'
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { RegraftError } from '../../errors/index.ts'
import { type ScoreAnswer, type SettingsOf, withinTime } from './scorer.ts'

const FENCE = /^[^`]*```[a-z]*\s*\n(.*?)\n?\s*```[^`]*$/is

/**
 * 1 for an answer that is JSON and that a JSON Schema accepts, else 0. The JSON may stand in the only code fence of the
 * answer; text around bare JSON makes it no JSON. With `compare` the value must equal that of the expected answer.
 * Throws 'invalid-config' for a schema that is none.
 */
export function jsonSchema({ schema, compare }: SettingsOf<'json-schema'>): ScoreAnswer {
  const validate = compile(schema)
  return (answer, { expected }) => {
    const value = parseAnswer(answer)
    if (value === undefined || !withinTime('the schema', () => validate(value))) return 0
    return compare && !isDeepStrictEqual(value, parseAnswer(expected)) ? 0 : 1
  }
}

function compile(schema: AnySchema): ValidateFunction {
  const dialect = typeof schema === 'object' && '$schema' in schema ? String(schema.$schema) : ''
  // Formats are notes to the reader, as the standard has it by default; misspelt keywords are errors.
  const options = { strictTypes: false, strictTuples: false, validateFormats: false, logger: false } as const
  try {
    return (/draft-0[67]/.test(dialect) ? new Ajv(options) : new Ajv2020(options)).compile(schema)
  } catch (cause) {
    throw new RegraftError(
      'invalid-config',
      `the schema of the scorer is no JSON Schema: ${(cause as Error).message}`,
      {
        hint: 'correct suites.<name>.scorer.schema in regraft.yaml; references to other files cannot be followed',
        cause,
      },
    )
  }
}

/** The JSON value of an answer; undefined when it has none. */
function parseAnswer(answer: string): unknown {
  const text = FENCE.exec(answer)?.[1] ?? answer
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

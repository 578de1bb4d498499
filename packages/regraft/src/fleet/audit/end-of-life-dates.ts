import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { RegraftError } from '../../errors/index.ts'

/** Last days of models, by name. */
type EndOfLifeDates = ReadonlyMap<string, string>

/**
 * Reads a file of end-of-life dates: YAML or JSON of `name: YYYY-MM-DD`, or CSV lines `name,YYYY-MM-DD`.
 * Throws 'invalid-file' for what is neither, naming the entry.
 */
export function readEndOfLife(path: string): EndOfLifeDates {
  const fail = (problem: string, cause?: unknown): never => {
    throw new RegraftError('invalid-file', `${path} ${problem}`, {
      hint: 'expected lines like `org/name: 2027-01-31`',
      cause,
    })
  }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    return fail(`cannot be read: ${(cause as Error).message}`, cause)
  }
  const dates = new Map<string, string>()
  for (const [name, date] of path.toLowerCase().endsWith('.csv')
    ? csvEntries(text)
    : yamlEntries(text, fail)) {
    const isDate =
      typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(Date.parse(date))
    if (!isDate) return fail(`has for ${name} ${JSON.stringify(date)}, which is no date`)
    dates.set(name, date)
  }
  return dates
}

/** Lines that begin with # are passed over, and so is a header. */
function csvEntries(text: string): [string, string][] {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const rows = lines.map((line): [string, string] => {
    const [name = '', date = ''] = line.split(',')
    return [name.trim(), date.trim()]
  })
  return rows[0] && !/\d/.test(rows[0][1]) ? rows.slice(1) : rows
}

function yamlEntries(text: string, fail: (problem: string, cause?: unknown) => never): [string, unknown][] {
  let value: unknown
  try {
    // The core schema leaves a date the text that it is.
    value = parse(text, { schema: 'core' })
  } catch (cause) {
    return fail(`is no YAML: ${(cause as Error).message}`, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('maps no names to dates')
  return Object.entries(value)
}

import { RegraftError } from '../errors/index.ts'
import { readCsvRecords } from './csv-records.ts'
import type { FileOrigin, ParsedRow } from './parsed-row.ts'
import { type TableColumns, tableReader } from './tabular-row.ts'

/**
 * Turns a CSV file with a header into inferences without a response, and a `label` feedback for each labelled row.
 *
 * Row ids and source keys follow from the file's digest, the line and the options that decide the payload, so that a
 * second import adds nothing, while another text column gives other rows. Rows that cannot be stored (empty text, a bad
 * time, NUL, bytes that are not UTF-8) are yielded as rejected. Throws 'invalid-input' for a column that is not there
 * and 'invalid-file', with the line, for a file that is not CSV.
 */
export async function* parseCsv(
  bytes: AsyncIterable<Uint8Array>,
  columns: TableColumns,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow> {
  const rowOf = tableReader(columns, origin)
  let header: string[] | null = null
  let used: [name: string, at: number][] = []
  for await (const { line, fields } of readCsvRecords(bytes)) {
    if (header === null) {
      header = columnNames(fields)
      used = usedColumns(header, columns, origin).map(({ name, at }) => [name, at])
      continue
    }
    if (fields === null) {
      yield { line, reason: 'is not valid UTF-8' }
      continue
    }
    if (fields.length !== header.length) {
      const message = `Line ${line}: ${fields.length} fields, but the header has ${header.length} columns.`
      throw new RegraftError('invalid-file', message, {
        hint: 'Put fields that contain commas or line breaks in quotes.',
        details: { line },
      })
    }
    yield rowOf(Object.fromEntries(used.map(([name, at]) => [name, fields[at]])), line)
  }
  if (header === null) throw new RegraftError('invalid-file', 'The file is empty: not even a header line.')
}

/** Finds the columns that the options name. Throws 'invalid-input' for one that is not there. */
export function usedColumns(
  header: string[],
  columns: TableColumns,
  origin: Pick<FileOrigin, 'subject' | 'derivedFrom' | 'fields'>,
): { name: string; at: number }[] {
  const options = [
    ['--text', columns.text],
    ['--label', columns.label],
    ['--time', columns.time],
    ['--subject', origin.subject],
    ['--derived-from', origin.derivedFrom],
    ...(origin.fields ?? []).map((name) => ['--slice or --choices', name] as const),
  ] as const
  return options.flatMap(([option, name]) =>
    name == null ? [] : [{ name, at: findColumn(header, name, option) }],
  )
}

/** Reads the column names of a CSV file. Throws 'invalid-file' when there are none. */
export async function readCsvHeader(bytes: AsyncIterable<Uint8Array>): Promise<string[]> {
  for await (const { fields } of readCsvRecords(bytes)) return columnNames(fields)
  throw new RegraftError('invalid-file', 'The file is empty: not even a header line.')
}

function columnNames(fields: string[] | null): string[] {
  if (fields === null) throw new RegraftError('invalid-file', 'Line 1: the header is not valid UTF-8.')
  if (fields.some((field) => field.includes('\r'))) {
    throw new RegraftError(
      'invalid-file',
      'Lines end in a lone carriage return; CSV lines end in a line feed.',
      {
        hint: "Convert it, for example: tr '\\r' '\\n' < old.csv > new.csv",
      },
    )
  }
  return fields.map((field) => field.trim())
}

function findColumn(header: string[], name: string, option: string): number {
  const index = header.indexOf(name)
  if (index < 0) {
    const missing = name === '' ? 'Say which column holds the text' : `There is no column "${name}"`
    const separated = header.length === 1 && /[;\t]/.test(header[0]!)
    throw new RegraftError('invalid-input', `${missing}; the columns are: ${header.join(', ')}.`, {
      hint: separated
        ? 'Save the file with commas between the columns.'
        : `Name one of these with ${option}.`,
      details: { columns: header },
    })
  }
  if (header.includes(name, index + 1)) {
    throw new RegraftError('invalid-file', `Line 1: there are several columns "${name}".`, {
      hint: 'Rename all but one of them in the header line.',
    })
  }
  return index
}

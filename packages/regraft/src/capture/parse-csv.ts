import { hash } from 'node:crypto'
import { RegraftError } from '../errors/index.ts'
import { findUnstorable } from '../operation/index.ts'
import type { NewFeedback } from '../store/types.ts'
import { readCsvRecords } from './csv-records.ts'
import { parseTime } from './parse-time.ts'
import { type FileOrigin, importedLabel, importedPayload, type ParsedRow } from './parsed-row.ts'
import { rowId } from './row-ids.ts'

export interface CsvColumns {
  /** Column with what the user wrote. */
  text: string
  /** Column with the human label; rows in which it is empty have no feedback. */
  label?: string | null
  /** Column with the row's own time (ISO 8601 or Unix seconds). */
  time?: string | null
  /** System prompt to put before every text. */
  system?: string | null
}

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
  columns: CsvColumns,
  origin: FileOrigin,
): AsyncGenerator<ParsedRow> {
  const { text, label = null, time = null, system = null } = columns
  const reading = hash('sha256', JSON.stringify({ text, time, system, task: origin.task })).slice(0, 8)
  let header: string[] | null = null
  let at = { text: -1, label: -1, time: -1 }
  for await (const { line, fields } of readCsvRecords(bytes)) {
    if (header === null) {
      header = columnNames(fields)
      at = {
        text: findColumn(header, text, '--text'),
        label: label === null ? -1 : findColumn(header, label, '--label'),
        time: time === null ? -1 : findColumn(header, time, '--time'),
      }
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
    const content = fields[at.text]!
    const value = fields[at.label] ?? ''
    const reason = refusal(content, value)
    if (reason !== null) {
      yield { line, reason }
      continue
    }
    const ownTime = fields[at.time]
    const occurredAt = ownTime === undefined ? origin.importedAt : parseTime(ownTime)
    if (occurredAt === null) {
      const shown = JSON.stringify(ownTime)
      yield { line, reason: `has the time ${shown}, which is neither ISO 8601 nor Unix seconds` }
      continue
    }
    const sourceKey = `import:${origin.digest}:${line}:${reading}`
    const id = rowId(occurredAt, [origin.digest, line, reading])
    const feedback: NewFeedback[] = []
    if (value.trim() !== '') {
      feedback.push({ ...importedLabel(id, occurredAt, value), sourceKey: `${sourceKey}:label:${label}` })
    }
    const user = { role: 'user', content }
    yield {
      line,
      inference: {
        id,
        occurredAt,
        sourceKey,
        payload: importedPayload(origin, line, {
          messages: system ? [{ role: 'system', content: system }, user] : [user],
          response: null,
          model: null,
        }),
      },
      feedback,
    }
  }
  if (header === null) throw new RegraftError('invalid-file', 'The file is empty: not even a header line.')
}

/** Reads the column names of a CSV file. Throws 'invalid-file' when there are none. */
export async function readCsvHeader(bytes: AsyncIterable<Uint8Array>): Promise<string[]> {
  for await (const { fields } of readCsvRecords(bytes)) return columnNames(fields)
  throw new RegraftError('invalid-file', 'The file is empty: not even a header line.')
}

function refusal(text: string, label: string): string | null {
  if (text.trim() === '') return 'has no text'
  return findUnstorable(text) ?? findUnstorable(label)
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

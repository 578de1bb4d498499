import { hash } from 'node:crypto'
import { findUnstorable } from '../operation/index.ts'
import { parseTime } from './parse-time.ts'
import { type FileOrigin, importedLabel, importedPayload, type ParsedRow } from './parsed-row.ts'
import { pickFields, readDerivedFrom, readUser } from './row-fields.ts'
import { rowId } from './row-ids.ts'

/** Which columns of a table mean what. */
export interface TableColumns {
  /** Column with what the user wrote. */
  text: string
  /** Column with the human label; rows in which it is empty have no feedback. */
  label?: string | null
  /** Column with the row's own time (ISO 8601 or Unix seconds). */
  time?: string | null
  /** System prompt to put before every text. */
  system?: string | null
}

/** The options that decide what a row holds, as a part of its id. */
function readingOf(columns: TableColumns, origin: FileOrigin): string {
  const { text, time = null, system = null } = columns
  const { task, subject, derivedFrom } = origin
  const named = { ...(subject ? { subject } : {}), ...(derivedFrom ? { derivedFrom } : {}) }
  return hash('sha256', JSON.stringify({ text, time, system, task, ...named })).slice(0, 8)
}

/** Makes an inference without a response of each of a table's rows, and a `label` feedback where it has a label. */
export function tableReader(columns: TableColumns, origin: FileOrigin) {
  const reading = readingOf(columns, origin)
  return (cells: Record<string, unknown>, line: number) => tableRow(cells, line, columns, origin, reading)
}

function tableRow(
  cells: Record<string, unknown>,
  line: number,
  columns: TableColumns,
  origin: FileOrigin,
  reading: string,
): ParsedRow {
  const { label = null, time = null, system = null } = columns
  const content = textOf(cells[columns.text])
  const value = label === null ? '' : textOf(cells[label])
  if (content === null || value === null) return { line, reason: 'has a value that is not a text' }
  if (content.trim() === '') return { line, reason: 'has no text' }
  const unstorable = findUnstorable(content) ?? findUnstorable(value)
  if (unstorable !== null) return { line, reason: unstorable }
  const user = readUser(cells, origin.subject, [])
  if ('reason' in user) return { line, reason: user.reason }
  const from = origin.derivedFrom ?? null
  const derivedFrom = from === null ? { value: [] } : readDerivedFrom(cells[from], from)
  if ('reason' in derivedFrom) return { line, reason: derivedFrom.reason }
  const ownTime = time === null ? undefined : (textOf(cells[time]) ?? '')
  const occurredAt = ownTime === undefined ? origin.importedAt : parseTime(ownTime)
  if (occurredAt === null) {
    const shown = JSON.stringify(ownTime)
    return { line, reason: `has the time ${shown}, which is neither ISO 8601 nor Unix seconds` }
  }
  const sourceKey = `import:${origin.digest}:${line}:${reading}`
  const id = rowId(occurredAt, [origin.digest, line, reading])
  const labels = value.trim() === '' ? [] : [importedLabel(id, occurredAt, value, user.value)]
  const message = { role: 'user', content }
  return {
    line,
    ...(user.value === null ? {} : { user: user.value }),
    inference: {
      id,
      occurredAt,
      ...(derivedFrom.value.length === 0 ? {} : { derivedFrom: derivedFrom.value }),
      sourceKey,
      payload: importedPayload(origin, line, {
        messages: system ? [{ role: 'system', content: system }, message] : [message],
        response: null,
      }),
    },
    feedback: labels.map((row) => ({ ...row, sourceKey: `${sourceKey}:label:${label}` })),
    ...pickFields(cells, origin.fields),
  }
}

function textOf(value: unknown): string | null {
  if (value == null) return ''
  if (typeof value === 'object') return null
  return String(value)
}

import { isUtf8 } from 'node:buffer'
import { RegraftError } from '../errors/index.ts'
import type { StoredFile } from '../store/types.ts'
import { findJsonError } from './json-error.ts'
import { malformed } from './parsed-row.ts'
import { readLines } from './read-lines.ts'

/** A document is parsed as a whole; at six times its size in memory this is what a small machine can hold. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
/** Members under which APIs and exports put their rows. */
const LISTS = ['data', 'observations', 'traces', 'rows']

/** A record of a file: its number from 1 and its value, or why it has none. */
export type FileRecord = { number: number; value: unknown } | { number: number; reason: string }

/** Reads JSON Lines; blank lines are skipped. Throws 'invalid-file' with line and column at a line that is not JSON. */
export async function* readJsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<FileRecord> {
  for await (const { number, bytes: raw } of readLines(bytes)) {
    if (!isUtf8(raw)) {
      yield { number, reason: 'is not valid UTF-8' }
      continue
    }
    const text = raw.toString('utf8')
    if (text.trim() === '') continue
    yield { number, value: parseLine(text, number) }
  }
}

/**
 * Reads the rows of a JSON document: the items of an array, those of an object's only list, or the object itself.
 *
 * The whole document is in memory. Throws 'invalid-file' for one that is not JSON and for one above 256 MB.
 */
export async function* readJsonDocument(file: StoredFile): AsyncGenerator<FileRecord> {
  if (file.size > MAX_DOCUMENT_BYTES) {
    throw new RegraftError('invalid-file', 'A JSON document may have 256 MB; JSON Lines have no limit.', {
      hint: "Convert it, for example: jq -c '.[]' rows.json > rows.jsonl",
    })
  }
  const bytes = Buffer.from(await file.slice(0))
  if (!isUtf8(bytes)) {
    throw new RegraftError('invalid-file', 'The file is not valid UTF-8.', {
      hint: 'Save it again as UTF-8, or as JSON Lines: then only the rows with bad bytes are left out.',
    })
  }
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    const { offset, expected } = findJsonError(text) ?? { offset: 0, expected: 'JSON' }
    const before = text.slice(0, offset).split('\n')
    const [line, column] = [before.length, before.at(-1)!.length + 1]
    throw new RegraftError('invalid-file', `Line ${line}, column ${column}: expected ${expected}.`, {
      hint: 'The file is to be one JSON array of rows, or JSON Lines: one object per line.',
      details: { line, column },
      cause,
    })
  }
  for (const [index, value] of itemsOf(document).entries()) yield { number: index + 1, value }
}

function itemsOf(document: unknown): unknown[] {
  if (Array.isArray(document)) return document
  if (typeof document !== 'object' || document === null) return [document]
  const members = document as Record<string, unknown>
  // A trace has observations and is a row of its own; what wraps rows has no id.
  const list = LISTS.find((name) => Array.isArray(members[name]) && members.id === undefined)
  return list === undefined ? [document] : (members[list] as unknown[])
}

function parseLine(text: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const { offset, expected } = findJsonError(text) ?? { offset: 0, expected: 'JSON' }
    throw malformed('line', line, `, column ${offset + 1}: expected ${expected}.`, {
      hint: 'Each line is one JSON object of its own: {"messages": […]}, without line breaks inside.',
      details: { column: offset + 1 },
      cause,
    })
  }
}

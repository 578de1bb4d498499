// CSV after RFC 4180, over physical lines. Written here instead of taking csv-parse, whose version 7 counts a CRLF
// inside quotes as two lines, names the end of the file when a quote is never closed, and replaces bytes that are not
// UTF-8 without a word; an import must name the line of every row that it refuses.
import { isUtf8 } from 'node:buffer'
import { RegraftError } from '../errors/index.ts'
import { readLines } from './read-lines.ts'

const QUOTE = 0x22
const CARRIAGE_RETURN = 0x0d
const MAX_RECORD_BYTES = 64 * 1024 * 1024

/** One record: the line it starts on and its fields; `fields` is null when its bytes are not UTF-8. */
export interface CsvRecord {
  line: number
  fields: string[] | null
}

/**
 * Reads CSV records one by one; blank lines between records are skipped.
 *
 * A record ends at the first line end at which its quotes are balanced. Throws 'invalid-file' with line and column for
 * a stray quote and for a quote that is never closed.
 */
export async function* readCsvRecords(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<CsvRecord> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let start = 0
  let insideQuotes = false
  for await (const line of readLines(bytes)) {
    if (pending.length === 0) {
      if (line.bytes.length === 0 || (line.bytes.length === 1 && line.bytes[0] === CARRIAGE_RETURN)) continue
      start = line.number
    }
    pending.push(line.bytes)
    pendingBytes += line.bytes.length
    if (hasOddQuotes(line.bytes)) insideQuotes = !insideQuotes
    if (insideQuotes && pendingBytes < MAX_RECORD_BYTES) continue
    if (insideQuotes) break
    yield parseRecord(joinLines(pending), start)
    pending = []
    pendingBytes = 0
  }
  if (pending.length > 0) {
    // Either the quotes are wrong early in the record, which parseRecord locates, or the last one stays open.
    parseRecord(joinLines(pending), start)
    throw new RegraftError('invalid-file', `Line ${start}: a quote that opens here is never closed.`, {
      hint: 'Close the field with a quote, or write a quote inside a field as two ("").',
      details: { line: start },
    })
  }
}

function hasOddQuotes(bytes: Buffer): boolean {
  let odd = false
  for (let at = bytes.indexOf(QUOTE); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) odd = !odd
  return odd
}

function joinLines(lines: Buffer[]): Buffer {
  const joined =
    lines.length === 1 ? lines[0]! : Buffer.concat(lines.flatMap((line) => [Buffer.of(0x0a), line]).slice(1))
  return joined[joined.length - 1] === CARRIAGE_RETURN ? joined.subarray(0, -1) : joined
}

function parseRecord(bytes: Buffer, line: number): CsvRecord {
  // Latin-1 keeps one character per byte, so a record with bad UTF-8 is still checked for its quotes.
  const valid = isUtf8(bytes)
  const fields = splitFields(bytes.toString(valid ? 'utf8' : 'latin1'), line)
  return { line, fields: valid ? fields : null }
}

function splitFields(record: string, line: number): string[] {
  if (!record.includes('"')) return record.split(',')
  const fields: string[] = []
  let at = 0
  for (;;) {
    let end: number
    if (record[at] === '"') {
      end = closingQuote(record, at + 1)
      if (end < 0) return fields
      fields.push(record.slice(at + 1, end).replaceAll('""', '"'))
      end += 1
      if (end < record.length && record[end] !== ',') throw strayQuote(record, end - 1, line)
    } else {
      end = record.indexOf(',', at)
      if (end < 0) end = record.length
      const quote = record.indexOf('"', at)
      if (quote >= 0 && quote < end) throw strayQuote(record, quote, line)
      fields.push(record.slice(at, end))
    }
    if (end >= record.length) return fields
    at = end + 1
  }
}

function closingQuote(record: string, from: number): number {
  for (let at = record.indexOf('"', from); at >= 0; at = record.indexOf('"', at + 2)) {
    if (record[at + 1] !== '"') return at
  }
  return -1
}

function strayQuote(record: string, at: number, start: number): RegraftError {
  const before = record.slice(0, at).split('\n')
  const line = start + before.length - 1
  const column = before.at(-1)!.length + 1
  return new RegraftError(
    'invalid-file',
    `Line ${line}, column ${column}: a quote in the middle of a field.`,
    {
      hint: 'Put the whole field in quotes and write each quote inside it as two ("").',
      details: { line, column },
    },
  )
}

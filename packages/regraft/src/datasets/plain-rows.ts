import { isUtf8 } from 'node:buffer'
import { findJsonError, readCsvRecords, readLines } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { comparedText } from './duplicates.ts'
import type { TextRow } from './text-work.ts'

/** A row of a plain file, with the line that it starts on. */
export interface PlainRow extends TextRow {
  line: number
}

/** Where the texts of a row stand; without a field what is usual is looked for. */
export interface PlainFields {
  field?: string
  answer?: string
}

/** Fields with what is asked and what is answered, tried in this order when none is named. */
const USUAL: [field: string, answer: string | null][] = [
  ['prompt', 'completion'],
  ['prompt', 'chosen'],
  ['prompt', 'answer'],
  ['prompt', 'response'],
  ['instruction', 'output'],
  ['question', 'answer'],
  ['prompt', null],
  ['text', null],
  ['question', null],
  ['instruction', null],
]

/**
 * Reads the rows of a CSV file (by its name) or of JSON Lines one by one: objects with text fields, or OpenAI's
 * `{"messages": […]}`, whose last assistant message is the answer and whose system prompts are left out.
 * Throws 'invalid-file' with the line for what cannot be read, 'invalid-input' for a field that is not there.
 */
export async function* readPlainRows(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  fields: PlainFields = {},
): AsyncGenerator<PlainRow> {
  let rows = 0
  for await (const row of /\.csv$/i.test(name) ? readCsv(bytes, fields) : readJsonl(bytes, fields)) {
    rows++
    yield row
  }
  if (rows === 0) throw new RegraftError('invalid-file', `${name} has no rows.`)
}

async function* readCsv(bytes: AsyncIterable<Uint8Array>, asked: PlainFields): AsyncGenerator<PlainRow> {
  let columns: string[] | null = null
  let at = { field: -1, answer: -1 }
  for await (const { line, fields } of readCsvRecords(bytes)) {
    if (fields === null) throw notUtf8(line)
    if (columns === null) {
      columns = fields.map((column) => column.trim())
      const { field, answer } = chooseFields(columns, asked, line)
      at = { field: columns.indexOf(field), answer: answer === null ? -1 : columns.indexOf(answer) }
      continue
    }
    if (fields.length !== columns.length) {
      throw new RegraftError(
        'invalid-file',
        `Line ${line}: ${fields.length} fields, but the header has ${columns.length} columns.`,
        { hint: 'Put fields that contain commas or line breaks in quotes.', details: { line } },
      )
    }
    yield { line, prompt: fields[at.field]!, answer: fields[at.answer] ?? null }
  }
}

async function* readJsonl(bytes: AsyncIterable<Uint8Array>, asked: PlainFields): AsyncGenerator<PlainRow> {
  for await (const { number: line, bytes: raw } of readLines(bytes)) {
    if (!isUtf8(raw)) throw notUtf8(line)
    const text = raw.toString('utf8')
    if (text.trim() === '') continue
    const row = parseObject(text, line)
    if (asked.field === undefined && Array.isArray(row.messages)) {
      yield { line, ...splitMessages(row.messages, line) }
      continue
    }
    const { field, answer } = chooseFields(Object.keys(row), asked, line)
    const prompt = textOf(row, field, line)
    const input =
      asked.field === undefined && field === 'instruction' && typeof row.input === 'string' ? row.input : ''
    yield {
      line,
      prompt: input === '' ? prompt : `${prompt}\n${input}`,
      answer: answer === null ? null : textOf(row, answer, line),
    }
  }
}

function parseObject(text: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const { offset, expected } = findJsonError(text) ?? { offset: 0, expected: 'JSON' }
    throw new RegraftError('invalid-file', `Line ${line}, column ${offset + 1}: expected ${expected}.`, {
      hint: 'Each line is one JSON object of its own, without line breaks inside; a CSV file is named *.csv.',
      details: { line, column: offset + 1 },
      cause,
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new RegraftError('invalid-file', `Line ${line}: expected a JSON object.`, { details: { line } })
}

function chooseFields(
  names: readonly string[],
  { field, answer }: PlainFields,
  line: number,
): { field: string; answer: string | null } {
  const hint = `the fields are: ${names.join(', ')}`
  for (const name of [field, answer]) {
    if (name === undefined || names.includes(name)) continue
    throw new RegraftError('invalid-input', `Line ${line} has no field '${name}'.`, {
      hint,
      details: { line },
    })
  }
  if (field !== undefined) return { field, answer: answer ?? null }
  const usual = USUAL.find(([one, other]) => names.includes(one) && (other === null || names.includes(other)))
  if (usual) return { field: usual[0], answer: answer ?? usual[1] }
  throw new RegraftError('invalid-input', `Line ${line}: which field holds the text?`, {
    hint: `name it with --field; ${hint}`,
    details: { line },
  })
}

function textOf(row: Record<string, unknown>, field: string, line: number): string {
  const value = row[field]
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return comparedText(value.map((message) => messageOf(message, field, line)))
  throw new RegraftError('invalid-file', `Line ${line}, ${field}: expected a text.`, {
    details: { line, field },
  })
}

function splitMessages(messages: readonly unknown[], line: number): TextRow {
  const list = messages.map((message) => messageOf(message, 'messages', line))
  const last = list.at(-1)
  if (last?.role !== 'assistant') return { prompt: comparedText(list), answer: null }
  return { prompt: comparedText(list.slice(0, -1)), answer: last.content }
}

function messageOf(message: unknown, field: string, line: number): { role: string; content: string } {
  if (
    typeof message === 'object' &&
    message !== null &&
    'role' in message &&
    typeof message.role === 'string'
  ) {
    const content = 'content' in message ? message.content : null
    if (typeof content === 'string') return { role: message.role, content }
    if (content === null || content === undefined) return { role: message.role, content: '' }
    if (Array.isArray(content)) {
      const texts = content.map((part: { text?: unknown } | null) =>
        typeof part?.text === 'string' ? part.text : '',
      )
      return { role: message.role, content: texts.join('') }
    }
  }
  throw new RegraftError(
    'invalid-file',
    `Line ${line}, ${field}: expected messages with a role and a content.`,
    {
      hint: 'A message looks like {"role": "user", "content": "…"}.',
      details: { line, field },
    },
  )
}

function notUtf8(line: number): RegraftError {
  return new RegraftError('invalid-file', `Line ${line} is not valid UTF-8.`, {
    hint: 'Save the file again as UTF-8, for example: iconv -f LATIN1 -t UTF-8 in.csv > out.csv',
    details: { line },
  })
}

/**
 * Passes on the bytes of a file without the rows that `dropped` names by the lines they start on. `starts` are the lines
 * that rows start on, ascending; what stands before the first row stays.
 */
export async function* withoutRows(
  bytes: AsyncIterable<Uint8Array>,
  starts: readonly number[],
  dropped: ReadonlySet<number>,
): AsyncGenerator<Uint8Array> {
  const pieces = new Pieces()
  let next = 0
  let keeping = true
  for await (const { number, bytes: line } of readLines(bytes)) {
    if (number === starts[next]) {
      keeping = !dropped.has(number)
      next++
    }
    if (!keeping) continue
    pieces.add(line)
    pieces.add(LINE_FEED)
    if (pieces.isFull) yield pieces.take()
  }
  yield pieces.take()
}

/** Writes values as JSON Lines. */
export async function* toJsonLines(values: Iterable<object>): AsyncGenerator<Uint8Array> {
  const pieces = new Pieces()
  for (const value of values) {
    pieces.add(Buffer.from(`${JSON.stringify(value)}\n`))
    if (pieces.isFull) yield pieces.take()
  }
  yield pieces.take()
}

const LINE_FEED = Buffer.of(0x0a)
const PIECE_BYTES = 256 * 1024

/** Collects small buffers, since each one that is written costs a call of the system. */
class Pieces {
  #buffers: Buffer[] = []
  #length = 0

  add(buffer: Buffer): void {
    this.#buffers.push(buffer)
    this.#length += buffer.length
  }

  get isFull(): boolean {
    return this.#length >= PIECE_BYTES
  }

  take(): Buffer {
    const all = Buffer.concat(this.#buffers)
    this.#buffers = []
    this.#length = 0
    return all
  }
}

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { z } from 'zod'
import { findJsonError, readCsvRecords, readLines } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { MeasuredItem } from './measurement.ts'

const flag = z.union(
  [z.boolean(), z.literal(0).transform(() => false), z.literal(1).transform(() => true)],
  'expected true or false',
)
const word = z.union([z.string().min(1), z.number().transform(String)], {
  error: ({ input }) =>
    input === undefined || input === '' ? 'it is missing' : 'expected a text or a number',
})
const Line = z
  .object({
    id: word,
    correct: flag.optional(),
    score: z.number('expected a number').optional(),
    slice: word.optional(),
    slices: z.record(z.string(), word).optional(),
    cluster: word.optional(),
  })
  .refine(({ correct, score }) => (correct === undefined) !== (score === undefined), {
    message: 'expected either correct (true or false) or score (a number)',
  })

export interface ScoreFile {
  items: MeasuredItem[]
  /** Whether a line says right or wrong rather than a score. */
  saysCorrect: boolean
}

/**
 * Reads per-item scores, as `{"id": …, "score": 0.5}` or `{"id": …, "correct": true}` a line, or a CSV with such columns; `slice` or
 * `slices` (an object by name) and `cluster` where there are any. Throws 'not-found' for a file that is not there, 'invalid-file'
 * with the line for what cannot be read, and for an id that comes twice.
 */
export async function readScores(path: string): Promise<ScoreFile> {
  const found = await stat(path).catch(() => null)
  if (!found?.isFile()) {
    throw new RegraftError('not-found', `${path} is not a file`, {
      hint: 'name a file with a line per item, such as {"id": "17", "correct": true}',
    })
  }
  const isTable = /\.csv$/i.test(path)
  const items: MeasuredItem[] = []
  const lines = new Map<string, number>()
  let saysCorrect = false
  for await (const { line, value } of isTable ? tableRows(path) : jsonRows(path)) {
    const parsed = Line.safeParse(value)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      const field = issue!.path.join('.')
      throw invalid(path, line, `${field === '' ? '' : `${field}: `}${issue!.message}`)
    }
    const { id, correct, score = correct ? 1 : 0, slice, slices, cluster } = parsed.data
    saysCorrect ||= correct !== undefined
    const earlier = lines.get(id)
    if (earlier !== undefined) throw invalid(path, line, `the id ${id} stands in line ${earlier} already`)
    lines.set(id, line)
    const named = { ...(slice === undefined ? {} : { slice }), ...slices }
    items.push({
      ...{ id, answer: '', score, correct: correct ?? score === 1 },
      ...(Object.keys(named).length === 0 ? {} : { slices: named }),
      ...(cluster === undefined ? {} : { cluster }),
    })
  }
  if (items.length > 0) return { items, saysCorrect }
  throw new RegraftError('invalid-file', `${basename(path)} has no items`)
}

interface Row {
  line: number
  value: unknown
}

async function* jsonRows(path: string): AsyncGenerator<Row> {
  for await (const { number: line, bytes } of readLines(createReadStream(path))) {
    if (!isUtf8(bytes)) throw invalid(path, line, 'it is not valid UTF-8')
    const text = bytes.toString('utf8')
    if (text.trim() === '') continue
    yield { line, value: parse(text, path, line) }
  }
}

function parse(text: string, path: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const { offset, expected } = findJsonError(text) ?? { offset: 0, expected: 'JSON' }
    throw invalid(path, line, `column ${offset + 1}: expected ${expected}`)
  }
}

async function* tableRows(path: string): AsyncGenerator<Row> {
  let header: string[] | null = null
  for await (const { line, fields } of readCsvRecords(createReadStream(path))) {
    if (fields === null) throw invalid(path, line, 'it is not valid UTF-8')
    if (header === null) {
      header = fields.map((column) => column.trim())
      continue
    }
    const cells = Object.fromEntries(header.map((column, i) => [column, fields[i] ?? '']))
    yield { line, value: fromCells(cells) }
  }
}

function fromCells({ id, correct, score, slice, cluster }: Record<string, string>): unknown {
  const bit = { true: true, false: false, '1': true, '0': false }[correct?.trim().toLowerCase() ?? '']
  return {
    ...{ id, correct: correct?.trim() ? (bit ?? correct) : undefined },
    score: score?.trim() ? Number(score) : undefined,
    ...{ slice: slice?.trim() || undefined, cluster: cluster?.trim() || undefined },
  }
}

function invalid(path: string, line: number, problem: string): RegraftError {
  return new RegraftError('invalid-file', `${basename(path)}, line ${line}: ${problem}`, {
    hint: 'a line looks like {"id": "17", "correct": true} or {"id": "17", "score": 0.5, "slice": "phone"}',
    details: { line },
  })
}

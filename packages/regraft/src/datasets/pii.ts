import { countPii, maskPii, type PiiKind, piiScanner } from '@regraft/methods'
import { z } from 'zod'
import { chunksOf, readLines } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { defineOperation, InputFile, OutputFile } from '../operation/index.ts'
import { readNames } from './pii-names.ts'

/** A result lists this many rows; the counts are of all. */
const LISTED_ROWS = 1000
const SHOWN_ROWS = 20

const Span = z.object({
  kind: z.string(),
  field: z.string(),
  start: z.int().describe('offset in the field, in UTF-16 units'),
  end: z.int(),
  confidence: z.number(),
})

/** The scan of `datasets build` on a plain file. */
export const piiOperation = defineOperation({
  name: 'datasets pii',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Find personal data in a JSON Lines file, and write a copy with masks',
  input: z.object({
    file: InputFile.describe('JSON Lines: an object on each line'),
    field: z.array(z.string()).default([]).describe('fields to scan; else every text of a row, at any depth'),
    minConfidence: z.number().min(0).max(1).default(0.5).describe('leave out what less speaks for †'),
  }),
  output: z.object({
    rows: z.int(),
    rowsWithPii: z.int(),
    found: z.record(z.string(), z.int()).describe('pieces by kind'),
    listed: z
      .array(z.object({ line: z.int(), spans: z.array(Span) }))
      .describe(`the first ${LISTED_ROWS} rows that hold any; not the texts themselves`),
    out: OutputFile.describe('the rows with [EMAIL_1] … in place of what was found'),
  }),
  positionals: ['file'],
  example: 'regraft datasets pii rows.jsonl --field text --out masked.jsonl',
  render({ rows, rowsWithPii, found, listed }) {
    const kinds = Object.entries(found).map(([kind, count]) => `${count} ${kind}`)
    const lines = [
      `${rowsWithPii} of ${rows} rows hold personal data${kinds.length ? `: ${kinds.join(', ')}` : ''}`,
    ]
    for (const { line, spans } of listed.slice(0, SHOWN_ROWS)) {
      lines.push(
        `  line ${line}: ${spans.map(({ kind, field, start, end }) => `${kind} in ${field} ${start}–${end}`).join(', ')}`,
      )
    }
    if (rowsWithPii > SHOWN_ROWS) lines.push(`  and ${rowsWithPii - SHOWN_ROWS} more: --json lists them`)
    return lines.join('\n')
  },
  async run({ store, config, signal }, { file, field, minConfidence }) {
    const scan = piiScanner({ names: readNames(config), minConfidence })
    const found: Partial<Record<PiiKind, number>> = {}
    const listed: { line: number; spans: z.output<typeof Span>[] }[] = []
    let rows = 0
    let rowsWithPii = 0
    async function* masked(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
      for await (const line of readLines(chunksOf(bytes))) {
        signal.throwIfAborted()
        const text = line.bytes.toString('utf8').trim()
        if (text === '') continue
        rows++
        const row = parseRow(text, line.number)
        const places = textsOf(row, field, line.number)
        const { texts, spans } = maskPii(
          places.map(({ text: value }) => value),
          scan,
        )
        const counts = countPii(spans.flat())
        for (const kind of Object.keys(counts) as PiiKind[]) found[kind] = (found[kind] ?? 0) + counts[kind]!
        if (Object.keys(counts).length > 0) {
          rowsWithPii++
          const named = places.flatMap(({ path }, index) =>
            spans[index]!.map(({ kind, start, end, confidence }) => ({
              kind,
              field: path,
              start,
              end,
              confidence,
            })),
          )
          if (listed.length < LISTED_ROWS) listed.push({ line: line.number, spans: named })
        }
        for (const [index, place] of places.entries()) place.set(texts[index]!)
        yield Buffer.from(`${JSON.stringify(row)}\n`)
      }
    }
    const out = await store.blobs.put(masked(await store.blobs.read(file.digest)))
    if (rows === 0) throw new RegraftError('invalid-file', 'The file has no rows.')
    return { rows, rowsWithPii, found, listed, out: { ...out, name: 'masked.jsonl' } }
  },
})

function parseRow(text: string, line: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RegraftError('invalid-file', `Line ${line} is not JSON.`, {
      hint: 'the file must have a JSON object on each line',
      details: { line },
      cause,
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new RegraftError('invalid-file', `Line ${line} is not a JSON object.`, { details: { line } })
}

interface Place {
  path: string
  text: string
  set(text: string): void
}

/** Every text below the fields that were asked for. Throws 'invalid-file' for a row without one of them. */
function textsOf(row: Record<string, unknown>, fields: readonly string[], line: number): Place[] {
  const places: Place[] = []
  const visit = (holder: Record<string, unknown> | unknown[], key: string | number, path: string) => {
    const value = (holder as Record<string | number, unknown>)[key]
    if (typeof value === 'string') {
      places.push({
        path,
        text: value,
        set: (text) => {
          ;(holder as Record<string | number, unknown>)[key] = text
        },
      })
    } else if (Array.isArray(value))
      for (const index of value.keys()) visit(value, index, `${path}[${index}]`)
    else if (typeof value === 'object' && value !== null) {
      for (const name of Object.keys(value)) visit(value as Record<string, unknown>, name, `${path}.${name}`)
    }
  }
  const asked = fields.length > 0 ? fields : Object.keys(row)
  for (const name of asked) {
    if (!Object.hasOwn(row, name)) {
      throw new RegraftError('invalid-file', `Line ${line} has no field '${name}'.`, {
        hint: `its fields are: ${Object.keys(row).join(', ')}`,
        details: { line, param: 'field' },
      })
    }
    visit(row, name, name)
  }
  return places
}

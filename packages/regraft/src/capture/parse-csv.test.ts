import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readCsvRecords } from './csv-records.ts'
import { parseCsv } from './parse-csv.ts'
import type { ImportedRow, ParsedRow } from './parsed-row.ts'
import type { TableColumns } from './tabular-row.ts'

const origin = { digest: 'ab'.repeat(32), importedAt: new Date('2025-06-01T00:00:00Z'), task: null }

async function parse(
  text: string | Buffer,
  columns: TableColumns = { text: 'text', label: 'label' },
  from = origin,
) {
  const rows: ParsedRow[] = []
  for await (const row of parseCsv(stream(Buffer.from(text)), columns, from)) rows.push(row)
  return rows
}

async function* stream(...chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

const imported = (rows: ParsedRow[]) => rows.filter((row): row is ImportedRow => 'inference' in row)

test('a labelled row is an inference without a response and a label', async () => {
  const [row] = imported(await parse('id,text,label\n1,"Where is my card, please?",card_arrival\n'))
  expect(row?.inference.payload).toMatchObject({
    messages: [{ role: 'user', content: 'Where is my card, please?' }],
    response: null,
    source: { kind: 'import', file: origin.digest, line: 2 },
  })
  expect(row?.inference.occurredAt).toEqual(origin.importedAt)
  expect(row?.feedback).toMatchObject([
    { inferenceId: row?.inference.id, payload: { type: 'label', value: 'card_arrival', author: null } },
  ])
})

test('quoted line breaks belong to the field and line numbers stay those of the file', async () => {
  const rows = imported(
    await parse('\ufefftext,label\r\n"one\r\ntwo ""quoted""",a\r\n\r\nthree,b\r\n"four, five",c'),
  )
  expect(rows.map(({ line, inference }) => [line, inference.payload.messages[0]?.content])).toEqual([
    [2, 'one\r\ntwo "quoted"'],
    [5, 'three'],
    [6, 'four, five'],
  ])
})

test('what a writer of RFC 4180 quotes is read back, wherever the stream is cut', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', ',', '"', '\n', '\r', ' ', '💳') })
  const table = fc.array(fc.tuple(field, field), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(table, fc.integer({ min: 1, max: 9 }), async (records, size) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
      const bytes = Buffer.from(records.map((fields) => fields.map(quote).join(',')).join('\r\n'))
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      )
      const read: (string[] | null)[] = []
      for await (const { fields } of readCsvRecords(stream(...chunks))) read.push(fields)
      expect(read).toEqual(records)
    }),
    { seed: 2, numRuns: 300 },
  )
})

test('the same file gives the same ids, another reading of it gives others', async () => {
  const text = 'text,body,label\nhello,good day,greeting\n'
  const ids = async (columns: TableColumns, from = origin) =>
    imported(await parse(text, columns, from)).flatMap((row) => [
      row.inference.id,
      row.inference.sourceKey,
      ...row.feedback.map((entry) => entry.id),
    ])
  const first = await ids({ text: 'text', label: 'label' })
  expect(await ids({ text: 'text', label: 'label' })).toEqual(first)
  expect((await ids({ text: 'text' })).slice(0, 2)).toEqual(first.slice(0, 2))
  for (const other of [
    await ids({ text: 'body', label: 'label' }),
    await ids({ text: 'text', label: 'label', system: 'Route.' }),
    await ids({ text: 'text', label: 'label' }, { ...origin, digest: 'cd'.repeat(32) }),
  ]) {
    expect(other.filter((id) => first.includes(id))).toEqual([])
  }
})

test('a time column dates the row and its label, a system prompt comes first', async () => {
  const columns = { text: 'text', label: 'label', time: 'when', system: 'Route the ticket.' }
  const [row] = imported(await parse('when,text,label\n2025-03-01T14:05:06Z,hi,a\n', columns))
  const expected = new Date('2025-03-01T14:05:06Z')
  expect([row?.inference.occurredAt, row?.feedback[0]?.occurredAt]).toEqual([expected, expected])
  expect(row?.inference.payload.messages[0]).toEqual({ role: 'system', content: 'Route the ticket.' })
})

test('rows that cannot be stored are named, the others are read', async () => {
  const surrogate = Buffer.from([0xed, 0xa0, 0x80])
  const bytes = Buffer.concat([
    Buffer.from(
      'when,text,label\n2025-03-01,good,a\n2025-03-01, ,b\nsoon,no time,c\n2025-03-01,n\0l,d\n2025-03-01,x',
    ),
    surrogate,
    Buffer.from(',e\n2025-03-01,unlabelled,\n'),
  ])
  const rows = await parse(bytes, { text: 'text', label: 'label', time: 'when' })
  expect(rows.filter((row) => 'reason' in row)).toEqual([
    { line: 3, reason: 'has no text' },
    { line: 4, reason: 'has the time "soon", which is neither ISO 8601 nor Unix seconds' },
    { line: 5, reason: 'contains a NUL character' },
    { line: 6, reason: 'is not valid UTF-8' },
  ])
  expect(imported(rows).map((row) => [row.line, row.feedback.length])).toEqual([
    [2, 1],
    [7, 0],
  ])
})

test.each([
  ['text,label\nx,y\n', { text: 'body' }, 'There is no column "body"; the columns are: text, label.'],
  [
    'text,label\nx,y\n',
    { text: 'text', label: 'Label' },
    'There is no column "Label"; the columns are: text, label.',
  ],
  ['text;label\nx;y\n', { text: 'text' }, 'There is no column "text"; the columns are: text;label.'],
  ['text,label\nx,y\n', { text: '' }, 'Say which column holds the text; the columns are: text, label.'],
  ['text,text\nx,y\n', { text: 'text' }, 'Line 1: there are several columns "text".'],
  ['text,label\nx,y\nx,y,z\n', { text: 'text' }, 'Line 3: 3 fields, but the header has 2 columns.'],
  [
    'text,label\n"a\nb",y\nx,"y" z\n',
    { text: 'text' },
    'Line 4, column 5: a quote in the middle of a field.',
  ],
  ['text,label\na 5" pipe,y\nx,y\n', { text: 'text' }, 'Line 2, column 4: a quote in the middle of a field.'],
  ['text,label\n"x,y\nz,w\n', { text: 'text' }, 'Line 2: a quote that opens here is never closed.'],
  [
    'text,label\rx,y\rz,w',
    { text: 'text' },
    'Lines end in a lone carriage return; CSV lines end in a line feed.',
  ],
  ['', { text: 'text' }, 'The file is empty: not even a header line.'],
])('%j is refused with its place', async (text, columns, message) => {
  await expect(parse(text, columns)).rejects.toThrow(message)
})

// Files of traffic that are damaged anywhere: each row is whole or rejected with a reason, or the file is refused.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OTLP_GOLDEN } from '../../packages/regraft/src/capture/fixtures/otlp-golden.ts'
import { parquetTable } from '../../packages/regraft/src/capture/fixtures/parquet-table.ts'
import { readGenAiSpan } from '../../packages/regraft/src/capture/genai-span.ts'
import { FORMATS } from '../../packages/regraft/src/capture/import-formats.ts'
import { openRows } from '../../packages/regraft/src/capture/import-step.ts'
import { type ParsedRow, parseCsv, parseOpenAIJsonl } from '../../packages/regraft/src/capture/index.ts'
import { decodeTraceRequest } from '../../packages/regraft/src/capture/otlp-protobuf.ts'
import { readSpans } from '../../packages/regraft/src/capture/otlp-spans.ts'
import { openParquet } from '../../packages/regraft/src/capture/parquet-records.ts'
import type { PassedRow } from '../../packages/regraft/src/capture/parsed-row.ts'
import { RegraftError } from '../../packages/regraft/src/errors/index.ts'
import { examples, mutated } from './mutations.ts'

const ORIGIN = {
  digest: `sha256:${'a'.repeat(64)}`,
  importedAt: new Date('2026-03-01T00:00:00Z'),
  task: null,
}

const CSV = `text,label,when
"where is ""my"" card, please",card,2026-01-01T10:00:00Z
"two
lines",delivery,1767261600
naïve 😀,billing,2026-01-03T10:00:00Z
`
const JSONL = [
  {
    id: 'a',
    created: '2026-01-01T10:00:00Z',
    messages: [
      { role: 'user', content: 'card 😀' },
      { role: 'assistant', content: 'card' },
    ],
  },
  {
    messages: [{ role: 'user', content: 'parcel' }],
    feedback: [{ type: 'correction', value: 'delivery', author: 'ada' }],
  },
  {
    messages: [
      { role: 'system', content: 's' },
      { role: 'user', content: 'x' },
    ],
    model: 'm',
    feedback: [{ type: 'thumbs', value: -1 }],
  },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('')

interface Outcome {
  rows: (ParsedRow | PassedRow)[]
  error: { code: string; message: string } | null
}

async function outcomeOf(rows: AsyncIterable<ParsedRow | PassedRow>): Promise<Outcome> {
  const outcome: Outcome = { rows: [], error: null }
  try {
    for await (const row of rows) outcome.rows.push(row)
  } catch (error) {
    if (!(error instanceof RegraftError)) throw error
    outcome.error = { code: error.code, message: error.message }
  }
  return outcome
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

function check({ rows, error }: Outcome): void {
  if (error) expect(['invalid-file', 'invalid-input']).toContain(error.code)
  let line = 0
  for (const row of rows) {
    expect(row.line).toBeGreaterThanOrEqual(line)
    line = row.line
    if ('passed' in row) continue
    if ('reason' in row) {
      expect(row.reason).not.toBe('')
      continue
    }
    const { messages } = row.inference.payload
    expect(messages.length).toBeGreaterThan(0)
    const texts = [...messages.map(({ content }) => content), JSON.stringify(row)]
    for (const text of texts) expect(text.isWellFormed() && !text.includes('\0')).toBe(true)
    expect(Number.isNaN(row.inference.occurredAt.getTime())).toBe(false)
    for (const { inferenceId, occurredAt } of row.feedback) {
      expect(inferenceId).toBe(row.inference.id)
      expect(Number.isNaN(occurredAt.getTime())).toBe(false)
    }
  }
}

const PARSERS: [string, string, (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<ParsedRow>][] = [
  [
    'CSV',
    CSV,
    (bytes) => parseCsv(bytes, { text: 'text', label: 'label', time: 'when', system: 'answer' }, ORIGIN),
  ],
  ['OpenAI JSON Lines', JSONL, (bytes) => parseOpenAIJsonl(bytes, ORIGIN)],
]

test.each(PARSERS)('damaged %s, cut into pieces anywhere', async (_name, valid, parse) => {
  let whole = 0
  const property = fc.asyncProperty(
    mutated(Buffer.from(valid)),
    fc.integer({ min: 1, max: 60 }),
    async (bytes, size) => {
      const outcome = await outcomeOf(parse(pieces(bytes, bytes.length || 1)))
      check(outcome)
      expect(await outcomeOf(parse(pieces(bytes, size)))).toEqual(outcome)
      if (outcome.rows.length === 3 && !outcome.error) whole++
    },
  )
  await fc.assert(property, examples(15_000))
  expect(whole).toBeGreaterThan(10)
})

const user = { role: 'user', content: 'where is my card 😀' }
const answer = { role: 'assistant', content: 'card' }
const DOCUMENTS: Record<string, unknown[]> = {
  sharegpt: [
    {
      id: 'a',
      conversations: [
        { from: 'human', value: 'card 😀' },
        { from: 'gpt', value: 'card' },
      ],
    },
    { system: 's', conversations: [{ role: 'user', content: 'x' }], model: 'm', user: 'ada' },
  ],
  trl: [
    { prompt: 'card', chosen: 'a', rejected: 'b', created: 1767261600 },
    { prompt: [user], chosen: [answer], rejected: [{ role: 'assistant', content: 'no' }], derived_from: [] },
    { prompt: [user], completion: [answer], label: false, propensity: 0.5 },
  ],
  otlp: [
    decodeTraceRequest(OTLP_GOLDEN),
    { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: '0', spanId: '0', attributes: [] }] }] }] },
  ],
  alpaca: [{ instruction: 'i', input: 'in', output: 'o', history: [['q', 'a']] }],
  langfuse: [
    {
      id: 't',
      userId: 'ada',
      sessionId: 's',
      observations: [
        {
          ...{ id: 'o', traceId: 't', type: 'GENERATION', startTime: '2026-01-01T10:00:00Z', model: 'm' },
          ...{
            endTime: '2026-01-01T10:00:01Z',
            input: [user],
            output: answer,
            usage: { input: 1, output: 2 },
          },
        },
        { id: 'p', type: 'SPAN' },
      ],
      scores: [{ id: 's', name: 'user-feedback', value: 1, timestamp: '2026-01-01T10:01:00Z' }],
    },
  ],
}

function storedFile(bytes: Buffer) {
  return {
    size: bytes.length,
    chunks: () => pieces(bytes, 100),
    slice: async (start: number, end?: number) => bytes.subarray(start, end),
  }
}

const reading = (
  format: (typeof FORMATS)[number],
  layout: 'lines' | 'document' | 'parquet',
  text: string | null,
) => {
  return { format, layout, text, label: null, time: null, system: null, task: null }
}

async function parsed(
  bytes: Buffer,
  ...[format, layout, text]: Parameters<typeof reading>
): Promise<Outcome> {
  try {
    const { rows } = await openRows(storedFile(bytes), reading(format, layout, text), ORIGIN)
    return await outcomeOf(rows())
  } catch (error) {
    if (!(error instanceof RegraftError)) throw error
    return { rows: [], error: { code: error.code, message: error.message } }
  }
}

test('every format but CSV and Parquet is damaged below', () => {
  const covered = ['csv', 'parquet', 'jsonl', ...Object.keys(DOCUMENTS)]
  expect(covered.sort()).toEqual([...FORMATS].sort())
})

test.each(Object.keys(DOCUMENTS))('damaged %s, as lines and as a document', async (name) => {
  const format = name as (typeof FORMATS)[number]
  const values = DOCUMENTS[name]!
  let whole = 0
  for (const layout of ['lines', 'document'] as const) {
    const text =
      layout === 'lines' ? values.map((value) => JSON.stringify(value)).join('\n') : JSON.stringify(values)
    const property = fc.asyncProperty(mutated(Buffer.from(text), 2), async (bytes) => {
      const outcome = await parsed(bytes, format, layout, null)
      check(outcome)
      if (outcome.rows.some((row) => 'inference' in row)) whole++
    })
    await fc.assert(property, examples(1_000))
  }
  expect(whole).toBeGreaterThan(10)
})

/** Decoded in a thread, which costs some 50 ms an example; the least patience, so that an endless loop costs little. */
test('damaged Parquet is read as what it says or refused, also where its decoder would never end', async () => {
  const valid = parquetTable()
  let whole = 0
  const property = fc.asyncProperty(mutated(valid, 2), async (bytes) => {
    try {
      const table = await openParquet(storedFile(bytes), { patienceMs: 1_000 })
      const rows = []
      for await (const record of table.records()) rows.push(record)
      if (rows.length === 3) whole++
    } catch (error) {
      expect(error).toMatchObject({
        code: 'invalid-file',
        message: expect.stringMatching(/Parquet file|compressed/),
      })
    }
  })
  await fc.assert(property, examples(60))
  expect(whole).toBeGreaterThan(3)
})

test('damaged trace requests in protobuf are read as what they say or refused', async () => {
  let calls = 0
  const property = fc.property(mutated(OTLP_GOLDEN, 2), (bytes) => {
    try {
      for (const span of readSpans(decodeTraceRequest(bytes))) {
        const read = readGenAiSpan(span)
        if (!('call' in read)) continue
        calls++
        expect(read.call.messages.length).toBeGreaterThan(0)
        expect(Number.isNaN(read.call.occurredAt.getTime())).toBe(false)
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(/.{10}/) })
    }
  })
  fc.assert(property, examples(4_000))
  expect(calls).toBeGreaterThan(1_000)
})

// Files of traffic that are damaged anywhere: each row is whole or rejected with a reason, or the file is refused.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ParsedRow, parseCsv, parseOpenAIJsonl } from '../../packages/regraft/src/capture/index.ts'
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
  rows: ParsedRow[]
  error: { code: string; message: string } | null
}

async function outcomeOf(rows: AsyncIterable<ParsedRow>): Promise<Outcome> {
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
    expect(row.line).toBeGreaterThan(line)
    line = row.line
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

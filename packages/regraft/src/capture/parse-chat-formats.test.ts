import { expect, test } from 'vitest'
import { OTLP_GOLDEN } from './fixtures/otlp-golden.ts'
import { RECORD_FORMATS, type RecordFormatName } from './import-formats.ts'
import type { FileRecord } from './json-records.ts'
import { decodeTraceRequest } from './otlp-protobuf.ts'
import type { FileOrigin, ImportedRow, ParsedRow, PassedRow } from './parsed-row.ts'

const origin: FileOrigin = {
  digest: `sha256:${'ab'.repeat(32)}`,
  importedAt: new Date('2025-06-01T00:00:00Z'),
  task: null,
}

async function parse(format: RecordFormatName, values: unknown[], from = origin) {
  async function* records(): AsyncGenerator<FileRecord> {
    for (const [index, value] of values.entries()) yield { number: index + 1, value }
  }
  const rows: (ParsedRow | PassedRow)[] = []
  for await (const row of RECORD_FORMATS[format].parse(records(), 'line', from)) rows.push(row)
  return rows
}

async function one(format: RecordFormatName, value: object, from = origin): Promise<ImportedRow> {
  const [row] = await parse(format, [value], from)
  if (!row || !('inference' in row)) throw new Error(JSON.stringify(row))
  return row
}

const user = { role: 'user', content: 'Where is my card?' }
const said = (row: ImportedRow) => ({
  messages: row.inference.payload.messages,
  response: row.inference.payload.response,
  feedback: row.feedback.map(({ payload }) => payload),
})

test.each([
  [
    'from and value',
    {
      id: 'identity_0',
      system: 'Route.',
      conversations: [
        { from: 'human', value: user.content },
        { from: 'gpt', value: 'card_arrival' },
      ],
    },
  ],
  [
    'role and content',
    {
      id: 'identity_0',
      conversations: [
        { role: 'system', content: 'Route.' },
        user,
        { role: 'assistant', content: 'card_arrival' },
      ],
    },
  ],
])('a ShareGPT conversation with %s is a demonstration of its last answer', async (_name, value) => {
  const row = await one('sharegpt', value)
  expect(said(row)).toEqual({
    messages: [{ role: 'system', content: 'Route.' }, user],
    response: null,
    feedback: [{ type: 'label', value: 'card_arrival', author: null }],
  })
  // Two files have an identity_0 each: it names the conversation, not the row.
  expect(row.inference.payload.conversation).toBe('identity_0')
  const other = await one('sharegpt', value, { ...origin, digest: `sha256:${'cd'.repeat(32)}` })
  expect(other.inference.id).not.toBe(row.inference.id)
})

test('a ShareGPT conversation with a model is what that model answered, and its last question may be open', async () => {
  const conversations = [
    { from: 'human', value: 'a' },
    { from: 'gpt', value: 'b' },
  ]
  expect(said(await one('sharegpt', { model: 'gpt-4', conversations }))).toMatchObject({
    response: 'b',
    feedback: [],
  })
  const open = await one('sharegpt', { conversations: [...conversations, { from: 'human', value: 'c' }] })
  expect(said(open)).toEqual({
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ],
    response: null,
    feedback: [],
  })
})

test('what of ShareGPT cannot be held is rejected, what is none refuses the file', async () => {
  const turns = (from: string) => ({
    conversations: [
      { from: 'human', value: 'a' },
      { from, value: 'b' },
    ],
  })
  expect(await parse('sharegpt', [turns('narrator'), turns('function_call'), turns('gpt')])).toMatchObject([
    { line: 1, reason: "conversations[1] is from 'narrator', which is no known role" },
    { line: 2, reason: "messages[1] is of the role 'function', which cannot be kept" },
    { line: 3, inference: {} },
  ])
  await expect(parse('sharegpt', [turns('gpt'), { conversations: 'a' }])).rejects.toThrow(
    'Line 2, conversations: expected a list of turns.',
  )
  await expect(parse('sharegpt', [{ conversations: ['a'] }])).rejects.toThrow('Line 1, conversations[0]')
})

test('an Alpaca row is a question with its input, and the output to learn', async () => {
  const row = await one('alpaca', { instruction: 'Route this.', input: 'Where?', output: 'card' })
  expect(said(row)).toEqual({
    messages: [{ role: 'user', content: 'Route this.\n\nWhere?' }],
    response: null,
    feedback: [{ type: 'label', value: 'card', author: null }],
  })
  const history = [['a', 'b']]
  expect(
    said(await one('alpaca', { instruction: 'c', input: '', output: 'd', system: 's', history })).messages,
  ).toEqual([
    { role: 'system', content: 's' },
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: 'c' },
  ])
})

const chosen = [{ role: 'assistant', content: 'card_arrival' }]
const rejected = [{ role: 'assistant', content: 'lost_card' }]

test.each([
  ['texts', { prompt: user.content, chosen: 'card_arrival', rejected: 'lost_card' }],
  ['messages', { prompt: [user], chosen, rejected }],
  ['an implicit prompt', { chosen: [user, ...chosen], rejected: [user, ...rejected] }],
  [
    'a prompt that the answers repeat',
    { prompt: user.content, chosen: [user, ...chosen], rejected: [user, ...rejected] },
  ],
])(
  'a preference of TRL with %s is the rejected answer with the chosen one as its correction',
  async (_name, value) => {
    expect(said(await one('trl', value))).toEqual({
      messages: [user],
      response: 'lost_card',
      feedback: [{ type: 'correction', value: 'card_arrival', author: null }],
    })
  },
)

test.each([
  [true, 1],
  [false, -1],
  [1, 1],
  [0, -1],
])('a rated answer of TRL with the label %s is an answer with a thumb', async (label, value) => {
  for (const completion of ['lost_card', rejected]) {
    expect(said(await one('trl', { prompt: [user], completion, label }))).toEqual({
      messages: [user],
      response: 'lost_card',
      feedback: [{ type: 'thumbs', value, author: null }],
    })
  }
})

test('a prompt and a completion without a label are a demonstration', async () => {
  expect(said(await one('trl', { prompt: user.content, completion: 'card' }))).toEqual({
    messages: [user],
    response: null,
    feedback: [{ type: 'label', value: 'card', author: null }],
  })
})

test('what of TRL cannot be held is rejected, what is none refuses the file', async () => {
  const prompt = [user]
  const call = [{ role: 'assistant', content: null, tool_calls: [{}] }]
  const rows = [
    { chosen: 'a', rejected: 'b' },
    { prompt, chosen: 'same', rejected: ' same' },
    { prompt, chosen: call, rejected },
    { prompt, chosen, rejected: '' },
    { prompt, chosen: [user, ...chosen, user, ...chosen], rejected },
    { chosen: [user, ...chosen], rejected: [{ role: 'user', content: 'other' }, ...rejected] },
    { prompt, completion: 'a', label: 'good' },
    { prompt, completion: [user] },
  ]
  const reasons = (await parse('trl', rows)).map((row) => ('reason' in row ? row.reason : row))
  expect(reasons).toEqual([
    'has no prompt: two texts do not say where their answers begin',
    'has the same answer as chosen and as rejected',
    'has a chosen answer that is more than one answer',
    'has a rejected answer without a text',
    'has a chosen answer that is more than one answer',
    'has no prompt that both answers share',
    'has a label that is neither true nor false',
    'has a completion that is more than one answer',
  ])
  await expect(parse('trl', [{ prompt: 3, chosen, rejected }])).rejects.toThrow('Line 1, prompt: expected')
  await expect(parse('trl', [{ prompt }])).rejects.toThrow('Line 1: expected a completion.')
})

test('a line names its end user, what it was written from, its conversation and how its answer was drawn', async () => {
  const id = '01981F3E-5A30-7CC4-9C2B-000000000001'
  const messages = [user, { role: 'assistant', content: 'a' }]
  const line = {
    messages,
    model: 'm',
    derived_from: [id],
    conversation: 'c1',
    propensity: 0.25,
    candidates: ['a', 'b'],
  }
  const row = await one('jsonl', { ...line, user: 'zelda', metadata: { customer: 17 } })
  expect(row.user).toBe('zelda')
  expect(row.inference).toMatchObject({
    derivedFrom: [id.toLowerCase()],
    payload: {
      conversation: 'c1',
      propensity: 0.25,
      candidates: [
        { content: 'a', finishReason: null },
        { content: 'b', finishReason: null },
      ],
    },
  })
  expect(JSON.stringify(row.inference)).not.toContain('zelda')
  const named = await one(
    'jsonl',
    { ...line, user: 'zelda', metadata: { customer: 17 } },
    { ...origin, subject: 'metadata.customer' },
  )
  expect(named.user).toBe('17')
})

test.each([
  [{ user: { id: 1 } }, 'has a user that is neither a text nor a number'],
  [{ derived_from: 'row 12' }, 'has a derived_from that names something other than UUIDs of rows'],
  [{ propensity: 0 }, 'has a propensity that is not in (0, 1]'],
  [{ candidates: ['b'] }, 'has candidates, of which the first is not the answer'],
  [{ candidates: [{ text: 'a' }] }, 'has candidates that are not texts'],
])('a line with %j is rejected', async (more, reason) => {
  const messages = [user, { role: 'assistant', content: 'a' }]
  expect(await parse('jsonl', [{ messages, model: 'm', ...more }])).toEqual([{ line: 1, reason }])
})

test('trace requests in a file are calls of their lines, and what is no call is counted', async () => {
  const value = decodeTraceRequest(OTLP_GOLDEN)
  const rows = await parse('otlp', [value, value])
  const [first, other, second, third, fourth] = rows
  expect([first, second, third]).toMatchObject(
    [1, 1, 1].map((line) => ({ line, inference: { payload: { source: { kind: 'import', line } } } })),
  )
  expect(other).toEqual({ line: 1, passed: 'spans that are no calls of a model' })
  expect(fourth).toMatchObject({ line: 1, reason: expect.stringContaining('has no messages') })
  expect(rows.slice(5).filter((row) => 'inference' in row)).toEqual([])
  expect(rows[5]).toEqual({ line: 2, reason: 'has a call that line 1 has too' })
  expect((first as ImportedRow).user).toBe('zelda')
  await expect(parse('otlp', [{ resourceSpans: [3] }])).rejects.toThrow('Line 1, resourceSpans.0')
})

import { expect, test } from 'vitest'
import type { FileRecord } from './json-records.ts'
import { parseLangfuse } from './parse-langfuse.ts'
import type { ImportedRow, ParsedRow, PassedRow } from './parsed-row.ts'
import { inferenceIdOf } from './row-ids.ts'

const origin = {
  digest: `sha256:${'ab'.repeat(32)}`,
  importedAt: new Date('2025-06-01T00:00:00Z'),
  task: null,
}

async function parse(...values: unknown[]) {
  async function* records(): AsyncGenerator<FileRecord> {
    for (const [index, value] of values.entries()) yield { number: index + 1, value }
  }
  const rows: (ParsedRow | PassedRow)[] = []
  for await (const row of parseLangfuse(records(), 'item', origin)) rows.push(row)
  return rows
}
const imported = (rows: (ParsedRow | PassedRow)[]) =>
  rows.filter((row): row is ImportedRow => 'inference' in row)

const generation = {
  id: '0b5d5c4e-0000-4000-8000-000000000001',
  traceId: 'trace-1',
  type: 'GENERATION',
  startTime: '2025-05-01T10:00:00.000Z',
  completionStartTime: '2025-05-01T10:00:00.400Z',
  endTime: '2025-05-01T10:00:01.500Z',
  model: 'gpt-4o-mini',
  modelParameters: { temperature: 0.2 },
  input: [{ role: 'user', content: 'Where is my card?' }],
  output: { role: 'assistant', content: 'card_arrival' },
  usage: { input: 12, output: 3, total: 15, unit: 'TOKENS' },
  calculatedTotalCost: 0.00042,
}
const score = { name: 'user-feedback', dataType: 'NUMERIC', source: 'API', timestamp: '2025-05-01T10:05:00Z' }

test('a trace becomes its generations, with model, cost, latency, user, session and scores', async () => {
  const rows = await parse({
    id: 'trace-1',
    timestamp: '2025-05-01T10:00:00Z',
    userId: 'ada',
    sessionId: 'session-7',
    observations: [{ id: 's', type: 'SPAN', traceId: 'trace-1' }, generation],
    scores: [{ ...score, value: 0, comment: 'not my question', authorUserId: 'grace' }],
  })
  expect(rows[0]).toEqual({ line: 1, passed: 'observations of the type SPAN' })
  const [row] = imported(rows)
  expect(row!.user).toBe('ada')
  expect(row!.inference).toMatchObject({
    id: generation.id,
    occurredAt: new Date(generation.startTime),
    payload: {
      messages: generation.input,
      response: 'card_arrival',
      model: 'gpt-4o-mini',
      parameters: { temperature: 0.2 },
      latencyMs: 1500,
      firstTokenMs: 400,
      usage: { promptTokens: 12, completionTokens: 3 },
      cost: { amount: 0.00042, currency: 'USD' },
      conversation: 'session-7',
      source: { kind: 'import', line: 1 },
    },
  })
  expect(row!.feedback.map(({ payload, occurredAt }) => [payload, occurredAt])).toEqual([
    [{ type: 'thumbs', value: -1, author: 'grace' }, new Date(score.timestamp)],
    [{ type: 'comment', value: 'not my question', author: 'grace' }, new Date(score.timestamp)],
  ])
})

test('an observation of the blob storage export, in snake case and with JSON in texts, is the same call', async () => {
  const [row] = imported(
    await parse({
      id: '00f067aa0ba902b7',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      type: 'GENERATION',
      start_time: '2025-05-01 10:00:00.000000',
      end_time: '2025-05-01 10:00:01.500000',
      provided_model_name: 'gpt-4o-mini',
      model_parameters: '{"temperature":0.2}',
      input: JSON.stringify({ messages: generation.input }),
      output: JSON.stringify({ choices: [{ message: generation.output }] }),
      usage_details: { input: 12, output: 3 },
      cost_details: { total: 0.00042 },
      user_id: 'ada',
      session_id: '',
    }),
  )
  const span = 'span:4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7'
  expect(row!.inference).toMatchObject({
    id: inferenceIdOf(span),
    payload: {
      messages: generation.input,
      response: 'card_arrival',
      model: 'gpt-4o-mini',
      parameters: { temperature: 0.2 },
      latencyMs: 1500,
      usage: { promptTokens: 12, completionTokens: 3 },
      cost: { amount: 0.00042, currency: 'USD' },
    },
  })
  expect(row!.user).toBe('ada')
  expect(row!.inference.payload.conversation).toBeUndefined()
})

test.each([
  [{ value: 1 }, { type: 'thumbs', value: 1, author: null }],
  [
    { stringValue: 'thumbs_down', dataType: 'CATEGORICAL' },
    { type: 'thumbs', value: -1, author: null },
  ],
  [
    { name: 'hallucination', value: 1 },
    { type: 'comment', value: 'hallucination: 1', author: null },
  ],
  [
    { name: 'stars', value: 1, comment: 'slow' },
    { type: 'comment', value: 'stars: 1 (slow)', author: null },
  ],
  [{ value: 0.7 }, { type: 'comment', value: 'user-feedback: 0.7', author: null }],
  [
    { value: 1, source: 'EVAL' },
    { type: 'comment', value: 'user-feedback: 1', author: 'eval:user-feedback' },
  ],
  [
    { name: 'output', dataType: 'CORRECTION', stringValue: 'lost_card', authorUserId: 'g' },
    { type: 'correction', value: 'lost_card', author: 'g' },
  ],
])('the score %j becomes %j', async (more, payload) => {
  const [row] = imported(await parse({ ...generation, scores: [{ ...score, ...more }] }))
  expect(row!.feedback.map((entry) => entry.payload)).toEqual([payload])
})

test('a score of one generation of several goes to it, one of the whole trace to the answer of the trace or nowhere', async () => {
  const second = { ...generation, id: '0b5d5c4e-0000-4000-8000-000000000002', output: 'final' }
  const trace = { id: 't', observations: [generation, second] }
  const own = await parse({ ...trace, scores: [{ ...score, value: 1, observationId: second.id }] })
  expect(imported(own).map(({ feedback }) => feedback.length)).toEqual([0, 1])
  const whole = await parse({ ...trace, output: 'final', scores: [{ ...score, value: 1 }] })
  expect(imported(whole).map(({ feedback }) => feedback.length)).toEqual([0, 1])
  const unclear = await parse({ ...trace, output: 'other', scores: [{ ...score, value: 1 }] })
  expect(unclear[0]).toMatchObject({ line: 1, reason: expect.stringMatching(/^has scores of a trace/) })
  expect(imported(unclear).map(({ feedback }) => feedback.length)).toEqual([0, 0])
})

test('what cannot be held is rejected, the same generation twice counts once, and no trace refuses the file', async () => {
  const call = { role: 'assistant', content: null, tool_calls: [{ id: 'x' }] }
  const reasons = (
    await parse(
      { ...generation, output: call },
      { ...generation, input: { question: 'a' } },
      { ...generation, startTime: 'yesterday' },
      { ...generation, input: null },
      { id: 't', name: 'a bare trace', input: 'a', output: 'b' },
      { ...generation, input: [{ role: 'user', content: 'a\0b' }] },
      generation,
      generation,
    )
  ).map((row) => ('reason' in row ? row.reason : 'kept'))
  expect(reasons).toEqual([
    'has an output that has a message that calls a tool, which cannot be kept',
    'has an input that is not a conversation',
    'has a generation without a start time',
    'has a generation without an input',
    'is neither an observation nor a trace with its observations',
    'has an input that has a message that contains a NUL character',
    'kept',
    'has a generation that item 7 has too',
  ])
  await expect(parse('x')).rejects.toThrow('Item 1: expected a trace or an observation.')
})

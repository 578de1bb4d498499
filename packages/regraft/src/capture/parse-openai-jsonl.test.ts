import { expect, test } from 'vitest'
import { parseOpenAIJsonl } from './parse-openai-jsonl.ts'
import type { ImportedRow, ParsedRow } from './parsed-row.ts'
import { inferenceIdOf } from './row-ids.ts'

const origin = { digest: 'ab'.repeat(32), importedAt: new Date('2025-06-01T00:00:00Z'), task: null }
const user = { role: 'user', content: 'Where is my card?' }
const assistant = { role: 'assistant', content: 'card_arrival' }

async function parse(...lines: unknown[]): Promise<ParsedRow[]> {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  const rows: ParsedRow[] = []
  async function* bytes() {
    yield Buffer.from(text)
  }
  for await (const row of parseOpenAIJsonl(bytes(), origin)) rows.push(row)
  return rows
}

const imported = (rows: ParsedRow[]) => rows.filter((row): row is ImportedRow => 'inference' in row)
const reasons = (rows: ParsedRow[]) =>
  rows.flatMap((row) => ('reason' in row ? [[row.line, row.reason]] : []))

test('a line of a fine-tuning file is a demonstration: a label, and no response of a model', async () => {
  const [row] = imported(await parse({ messages: [{ role: 'system', content: 'Route.' }, user, assistant] }))
  expect(row?.inference.payload).toMatchObject({
    messages: [{ role: 'system', content: 'Route.' }, user],
    response: null,
    model: null,
  })
  expect(row?.feedback.map((entry) => entry.payload)).toEqual([
    { type: 'label', value: 'card_arrival', author: null },
  ])
})

test('an assistant message of weight 0 is not a demonstration', async () => {
  const [row] = imported(await parse({ messages: [user, { ...assistant, weight: 0 }] }))
  expect(row?.feedback).toEqual([])
})

test('a line with a model is what that model answered, with the feedback it got', async () => {
  const feedback = [
    { type: 'thumbs', value: -1, created: 1740837906 },
    { type: 'correction', value: 'lost_card', author: 'maria' },
    { type: 'accept' },
  ]
  const [row] = imported(
    await parse({
      id: 'chatcmpl-9xYz',
      created: 1740837900,
      model: 'desk-v1',
      messages: [user, assistant],
      feedback,
    }),
  )
  expect(row?.inference).toMatchObject({
    id: inferenceIdOf('chatcmpl-9xYz'),
    occurredAt: new Date('2025-03-01T14:05:00Z'),
    payload: { messages: [user], response: 'card_arrival', model: 'desk-v1' },
  })
  expect(
    row?.feedback.map(({ payload, occurredAt }) => ({ ...payload, at: occurredAt.toISOString() })),
  ).toEqual([
    { type: 'thumbs', value: -1, author: null, at: '2025-03-01T14:05:06.000Z' },
    { type: 'correction', value: 'lost_card', author: 'maria', at: '2025-03-01T14:05:00.000Z' },
    { type: 'accept', author: null, at: '2025-03-01T14:05:00.000Z' },
  ])
  expect(new Set(row?.feedback.map((entry) => entry.id)).size).toBe(3)
  expect(row?.feedback.every((entry) => entry.inferenceId === row.inference.id)).toBe(true)
})

test('a prompt alone has neither response nor feedback', async () => {
  const [row] = imported(await parse({ messages: [user] }))
  expect([row?.inference.payload.response, row?.feedback]).toEqual([null, []])
})

test('text parts of a message are joined', async () => {
  const content = [
    { type: 'text', text: 'Where is ' },
    { type: 'text', text: 'my card?' },
  ]
  const [row] = imported(await parse({ messages: [{ role: 'user', content }, assistant] }))
  expect(row?.inference.payload.messages).toEqual([user])
})

test('what is well formed but cannot be held is named by line, the other rows are read', async () => {
  const call = { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: {} }] }
  const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }
  const rows = await parse(
    { messages: [user, assistant] },
    { messages: [user, call] },
    { messages: [image, assistant] },
    '',
    { messages: [{ role: 'tool', content: '1' }, assistant] },
    '{"messages": [{"role": "user", "content": "a\\ud800b"}, {"role": "assistant", "content": "x"}]}',
    '{"messages": [{"role": "user", "content": "a\\u0000b"}, {"role": "assistant", "content": "x"}]}',
    '{"messages": [{"role": "user", "content": "a"}], "feedback": [{"type": "comment", "value": "\\udc00"}]}',
    { messages: [assistant] },
    { messages: [user, { role: 'assistant', content: ' ' }] },
    { messages: [user, assistant], created_at: 'soon' },
    { messages: [user, assistant], tools: [{ type: 'function' }] },
    { messages: [user, assistant], tools: [] },
    { messages: [user, assistant], id: 'one' },
    { messages: [user], id: 'one' },
  )
  expect(reasons(rows)).toEqual([
    [2, 'messages[1] calls a tool, which cannot be kept'],
    [3, "messages[0] has a content part of the type 'image_url', only text can be kept"],
    [5, "messages[0] is of the role 'tool', which cannot be kept"],
    [6, 'messages[0] contains a lone surrogate, which is not a character'],
    [7, 'messages[0] contains a NUL character'],
    [8, 'contains a lone surrogate, which is not a character'],
    [9, 'has an answer without a prompt'],
    [10, 'has an empty answer to learn from'],
    [11, 'has the time "soon", which is neither ISO 8601 nor Unix seconds'],
    [12, 'offers tools to the model, which cannot be kept'],
    [15, 'has the id of line 14'],
  ])
  expect(imported(rows).map((row) => row.line)).toEqual([1, 13, 14])
})

test.each([
  ['{"messages": [{"role": "user", "content": "hi"}]', "Line 2, column 49: expected ',' or '}'."],
  ['[', 'Line 2, column 2: expected a value.'],
  ['{"prompt": "hi"}', 'Line 2, messages: Invalid input: expected array, received undefined.'],
  [
    { messages: [{ role: 'human', content: 'hi' }] },
    /^Line 2, messages\[0\]\.role: Invalid option: expected one of/,
  ],
  [{ messages: [user], feedback: [{ type: 'thumbs', value: 2 }] }, /^Line 2, feedback\[0\]\.value: /],
  [
    { messages: [user], feedback: [{ type: 'like' }] },
    /^Line 2, feedback\[0\]\.type: expected a type: 'correction'/,
  ],
  ['"hi"', 'Line 2: Invalid input: expected object, received string.'],
])('%j is refused with line and place', async (line, message) => {
  await expect(parse({ messages: [user] }, line)).rejects.toThrow(message)
})

test('what is wrong in a line is shown beside how that part of it looks', async () => {
  await expect(parse({ foo: 1 })).rejects.toMatchObject({
    hint: expect.stringMatching(/"messages".*--format/),
  })
  await expect(parse({ messages: [user], feedback: [{ type: 'thumb', value: 1 }] })).rejects.toMatchObject({
    message: expect.stringContaining('feedback[0]'),
    hint: expect.stringMatching(/^Feedback looks like/),
  })
})

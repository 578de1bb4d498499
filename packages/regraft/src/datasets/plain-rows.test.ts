import { expect, test } from 'vitest'
import { type PlainFields, readPlainRows, withoutRows } from './plain-rows.ts'

async function* streamOf(text: string | Buffer): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += 7) yield bytes.subarray(start, start + 7)
}

async function read(text: string | Buffer, name = 'rows.jsonl', fields: PlainFields = {}) {
  const rows: unknown[] = []
  for await (const row of readPlainRows(streamOf(text), name, fields)) rows.push(row)
  return rows
}

test('rows of objects give the named fields, or the usual ones', async () => {
  expect(await read('{"text":"a"}\n\n{"text":"b","label":"x"}')).toEqual([
    { line: 1, prompt: 'a', answer: null },
    { line: 3, prompt: 'b', answer: null },
  ])
  expect(await read('{"prompt":"a","completion":"b"}')).toEqual([{ line: 1, prompt: 'a', answer: 'b' }])
  expect(await read('{"instruction":"a","input":"x","output":"b"}')).toEqual([
    { line: 1, prompt: 'a\nx', answer: 'b' },
  ])
  expect(await read('{"q":"a","r":"b"}', 'x.jsonl', { field: 'q', answer: 'r' })).toEqual([
    { line: 1, prompt: 'a', answer: 'b' },
  ])
})

test('OpenAI messages give the conversation without system prompts, and the last answer', async () => {
  const messages = [
    { role: 'system', content: 'Be short.' },
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Hi' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Where is ' },
        { type: 'text', text: 'it?' },
      ],
    },
    { role: 'assistant', content: 'There.' },
  ]
  expect(await read(JSON.stringify({ messages }))).toEqual([
    { line: 1, prompt: 'Hello\nHi\nWhere is it?', answer: 'There.' },
  ])
  expect(await read(JSON.stringify({ messages: messages.slice(0, 2) }))).toEqual([
    { line: 1, prompt: 'Hello', answer: null },
  ])
})

test('CSV is read by its columns, with quotes over several lines', async () => {
  const csv = 'id,text\n1,"two\nlines, one row"\n2,next\n'
  expect(await read(csv, 'rows.CSV')).toEqual([
    { line: 2, prompt: 'two\nlines, one row', answer: null },
    { line: 4, prompt: 'next', answer: null },
  ])
})

test.each([
  ['rows.jsonl', '{"text":"a"}\n{"text":', 'Line 2, column 9: expected a value'],
  ['rows.jsonl', '{"text":"a"}\n[1]', 'Line 2: expected a JSON object'],
  ['rows.jsonl', '{"text":"a"}\n{"text":5}', 'Line 2, text: expected a text'],
  ['rows.jsonl', '{"messages":[{"role":"user"},7]}', 'Line 1, messages: expected messages'],
  ['rows.jsonl', '{"body":"a"}', 'Line 1: which field holds the text'],
  ['rows.csv', 'text,label\na,b\nc', 'Line 3: 1 fields, but the header has 2'],
  ['rows.csv', 'body,label\na,b', 'Line 1: which field holds the text'],
  ['rows.csv', 'text\n', 'rows.csv has no rows'],
  ['rows.jsonl', '', 'rows.jsonl has no rows'],
  ['rows.jsonl', Buffer.from([0x7b, 0xff, 0x7d]), 'Line 1 is not valid UTF-8'],
])('%s that cannot be read is refused with its line: %#', async (name, text, message) => {
  await expect(read(text, name)).rejects.toThrow(message)
})

test('a field that is not there is refused with those that are', async () => {
  await expect(read('{"a":"x","b":"y"}', 'x.jsonl', { field: 'c' })).rejects.toMatchObject({
    code: 'invalid-input',
    message: "Line 1 has no field 'c'.",
    hint: 'the fields are: a, b',
  })
})

test('rows are taken out with all their lines, and the header stays', async () => {
  const csv = 'text\n"one\ntwo"\nthree\n"four\nfive"'
  let left = ''
  for await (const bytes of withoutRows(streamOf(csv), [2, 4, 5], new Set([2, 5]))) left += bytes
  expect(left).toBe('text\nthree\n')
})

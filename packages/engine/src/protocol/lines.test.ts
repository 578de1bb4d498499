import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJsonLines, writeJsonLine } from './lines.ts'

/** What is read of these bytes when they arrive in pieces of the given sizes. */
async function readInPieces(bytes: Buffer, sizes: number[]) {
  const stream = new PassThrough()
  const messages: object[] = []
  const malformed: string[] = []
  const ended = new Promise<void>((resolve) => {
    const onMessage = (message: object) => messages.push(message)
    readJsonLines(stream, { onMessage, onMalformed: (line) => malformed.push(line), onEnd: resolve })
  })
  for (let start = 0, piece = 0; start < bytes.length; piece++) {
    const end = start + (sizes[piece % sizes.length] ?? 1)
    stream.write(bytes.subarray(start, end))
    start = end
  }
  stream.end()
  await ended
  return { messages, malformed }
}

test('every message arrives once and whole, wherever the pipe cuts it', async () => {
  const message = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(), { maxKeys: 4 })
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 8 }), sizes, async (sent, pieces) => {
      const pipe = new PassThrough()
      for (const one of sent) writeJsonLine(pipe, one)
      const written = (pipe.read() as Buffer | null) ?? Buffer.alloc(0)
      const expected = sent.map((one) => JSON.parse(JSON.stringify(one)) as object)
      expect(await readInPieces(written, pieces)).toEqual({ messages: expected, malformed: [] })
    }),
    { numRuns: 60 },
  )
})

test('line and paragraph separators inside a text do not end the line', async () => {
  const text = 'one\u2028two\u2029three\u0085four'
  expect(await readInPieces(Buffer.from(`${JSON.stringify({ text })}\n`), [7])).toEqual({
    messages: [{ text }],
    malformed: [],
  })
})

test('what is no message is handed over as such, and the next line counts', async () => {
  const bytes = Buffer.concat([
    Buffer.from('warning: a library talks\n{"cut":\n\nnull\n5\n'),
    Buffer.from([0xff, 0xfe, 0x0a]),
    Buffer.from('{"good":1}\n{"last":2}'),
  ])
  const { messages, malformed } = await readInPieces(bytes, [3])
  expect(messages).toEqual([{ good: 1 }, { last: 2 }])
  expect(malformed).toEqual(['warning: a library talks', '{"cut":', 'null', '5', '\ufffd\ufffd'])
})

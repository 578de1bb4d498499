import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeDelta, StreamReader } from './stream-reader.ts'

const chunk = (choices: object[], more: object = {}) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-ä', model: 'm', choices, ...more })}\r\n\r\n`
const stream = [
  ': waiting\n\n',
  chunk([{ index: 1, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
  chunk([{ index: 0, delta: { role: 'assistant', content: 'Grüße 👋 ' }, finish_reason: null }]),
  chunk([{ index: 1, delta: { content: 'zwei' }, finish_reason: 'length' }]),
  chunk([{ index: 0, delta: { content: 'an\n\ndata: [DONE]\n\n' }, finish_reason: 'stop' }]),
  chunk([], {
    usage: { prompt_tokens: 3, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 2 } },
  }),
  'data: [DONE]\n\n',
].join('')

test('however the bytes are cut, the same answers are put together', () => {
  const bytes = Buffer.from(stream)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const reader = new StreamReader(() => 7)
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      for (let i = 1; i < places.length; i++) reader.feed(bytes.subarray(places[i - 1], places[i]))
      expect(reader.done).toBe(true)
      expect(reader.finish()).toEqual({
        id: 'chatcmpl-ä',
        model: 'm',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Grüße 👋 an\n\ndata: [DONE]\n\n' },
            finish_reason: 'stop',
          },
          { index: 1, message: { role: 'assistant', content: 'zwei' }, finish_reason: 'length' },
        ],
        usage: { promptTokens: 3, completionTokens: 4, cachedTokens: 2 },
        cutOff: false,
        firstPieceAt: 7,
      })
    }),
  )
})

test('a stream that ends anywhere before [DONE] and the last reason is cut off with what was seen', () => {
  const bytes = Buffer.from(stream)
  const end = bytes.indexOf('data: [DONE]\\n') - 1
  fc.assert(
    fc.property(fc.nat(end), (length) => {
      const reader = new StreamReader()
      reader.feed(bytes.subarray(0, length))
      const { cutOff, choices } = reader.finish()
      expect(cutOff).toBe(true)
      for (const { message } of choices)
        expect(stream).toContain(JSON.stringify(message.content).slice(1, -1))
    }),
  )
})

test('a last event without an empty line counts, and so does an end without [DONE]', () => {
  const reader = new StreamReader()
  reader.feed(Buffer.from('data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}'))
  expect(reader.finish()).toMatchObject({ cutOff: false, choices: [{ message: { content: 'a' } }] })
})

test('names that are repeated in every chunk are kept once, and no delta reaches a prototype', () => {
  const message = {}
  for (const part of ['{"a"', ':1}']) {
    mergeDelta(message, {
      role: 'assistant',
      tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'track', arguments: part } }],
    })
  }
  mergeDelta(message, JSON.parse('{"__proto__":{"polluted":"yes"},"audio":{"__proto__":{"polluted":"yes"}}}'))
  expect(message).toEqual({
    role: 'assistant',
    tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'track', arguments: '{"a":1}' } }],
    audio: {},
  })
  expect('polluted' in {}).toBe(false)
})

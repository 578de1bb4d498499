import { expect, test } from 'vitest'
import { generationOf, parseChatRequest } from './chat-request.ts'

const request = { model: 'routing', messages: [{ role: 'user', content: 'Where is my parcel?' }] }

test('a request without settings decodes greedily', () => {
  expect(generationOf(parseChatRequest(request))).toMatchObject({
    messages: request.messages,
    sampling: { temperature: 0, topP: 1 },
    maxTokens: 256,
  })
})

test('text parts are joined and a developer message is a system message', () => {
  const parts = [
    {
      role: 'developer',
      content: [
        { type: 'text', text: 'Route ' },
        { type: 'text', text: 'it.' },
      ],
    },
    ...request.messages,
  ]
  expect(generationOf(parseChatRequest({ ...request, messages: parts })).messages[0]).toEqual({
    role: 'system',
    content: 'Route it.',
  })
})

test.each([
  ['tools', [{ type: 'function' }]],
  ['stop', ['\n']],
  ['response_format', { type: 'json_object' }],
  ['logprobs', true],
  ['n', 2],
  ['presence_penalty', 0.5],
  ['frequency_penalty', -1],
  ['temperature', 3],
  ['max_tokens', 0],
])('%s is refused by name when it would change the answer', (field, value) => {
  expect(() => parseChatRequest({ ...request, [field]: value })).toThrow(field)
})

test.each([
  ['n', 1],
  ['presence_penalty', 0],
  ['logprobs', false],
  ['stop', null],
  ['user', 'somebody'],
  ['metadata', { a: 'b' }],
])('%s is accepted when it changes nothing', (field, value) => {
  expect(parseChatRequest({ ...request, [field]: value }).model).toBe('routing')
})

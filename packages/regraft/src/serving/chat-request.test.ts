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

test('limits of sampling, stops and log-probabilities are passed on', () => {
  const asked = { top_k: 40, min_p: 0.05, stop: '\n', logprobs: true, top_logprobs: 3 }
  expect(generationOf(parseChatRequest({ ...request, temperature: 0.7, ...asked }))).toMatchObject({
    sampling: { temperature: 0.7, topP: 1, topK: 40, minP: 0.05 },
    stop: ['\n'],
    topLogProbabilities: 3,
  })
  const none = generationOf(parseChatRequest({ ...request, top_k: -1, stop: ['a', 'b'], logprobs: false }))
  expect(none).toMatchObject({ stop: ['a', 'b'], topLogProbabilities: null })
  expect(none.sampling).toEqual({ temperature: 0, topP: 1 })
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
  ['stop', ['a', 'b', 'c', 'd', 'e']],
  ['stop', ''],
  ['response_format', { type: 'json_object' }],
  ['top_logprobs', 3],
  ['top_logprobs', 21],
  ['top_k', -2],
  ['min_p', 1.5],
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

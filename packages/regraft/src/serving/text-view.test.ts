import { expect, test } from 'vitest'
import { answerText, textView } from './text-view.ts'

const text = (content: string) => ({ type: 'text', text: content })

test('texts and parts of text are complete; a developer speaks as the system', () => {
  const messages = [
    { role: 'developer', content: 'Be brief.' },
    { role: 'user', content: [text('Where is '), text('it?')], name: undefined },
    { role: 'assistant', content: 'There.', refusal: null, tool_calls: [] },
  ]
  expect(textView(messages)).toEqual({
    complete: true,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Where is it?' },
      { role: 'assistant', content: 'There.' },
    ],
  })
})

test.each([
  ['a name', { role: 'user', content: 'a', name: 'Anna' }],
  ['a call of a tool', { role: 'assistant', content: 'a', tool_calls: [{ id: 'c1' }] }],
  ['the answer of a tool', { role: 'tool', content: 'a', tool_call_id: 'c1' }],
  ['an image', { role: 'user', content: [text('a'), { type: 'image_url', image_url: { url: 'data:' } }] }],
])('%s is left out, and said to be', (_, message) => {
  expect(textView([message])).toEqual({
    complete: false,
    messages: [{ role: message.role, content: 'a' }],
  })
})

test('a refusal, a call or a sound is more than the text of an answer, thinking is not', () => {
  expect(answerText({ role: 'assistant', content: 'a', reasoning_content: 'hm', annotations: [] })).toEqual({
    ...{ text: 'a', complete: true },
  })
  for (const beside of [{ refusal: 'no' }, { tool_calls: [{}] }, { audio: { id: 'x' } }])
    expect(answerText({ content: null, ...beside })).toEqual({ text: '', complete: false })
})

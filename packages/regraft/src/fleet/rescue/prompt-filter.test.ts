import { expect, test } from 'vitest'
import { PromptFilter } from './prompt-filter.ts'

test('made-up prompts are kept when they are new, about as long, and in a script of the real ones', () => {
  const filter = new PromptFilter(['Where is my card?', 'How do I change the name on my account please?'])
  const asked = [
    'Why was my payment declined?',
    'why was my payment declined',
    'where is my card',
    'ok',
    'x'.repeat(70),
    'Где моя карта сейчас?',
    'Can I get a second card?',
  ]
  expect(asked.filter((text) => filter.keep(text))).toEqual([asked[0], asked[6]])
  expect(filter.keep('Why is my card always', false)).toBe(false)
  expect(filter.counts).toEqual({
    ...{ kept: 2, repeated: 2, tooShort: 1, tooLong: 1, otherScript: 1, unfinished: 1 },
  })
})

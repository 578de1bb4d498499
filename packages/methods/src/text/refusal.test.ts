import { expect, test } from 'vitest'
import { findRefusal } from './refusal.ts'

const REFUSALS = [
  'I’m sorry, but I can’t help with that.',
  "I can't assist with that request.",
  'Sorry, I cannot provide instructions for making weapons.',
  'I am unable to fulfil this request.',
  "I won't write malware.",
  'As an AI language model, I cannot generate hateful content.',
  "I'm really sorry, but I'm not able to discuss this.",
  'I must decline to answer.',
  "That's not something I will do: it goes against my safety guidelines.",
  'It would be unethical to help you stalk someone.',
  "I don't feel comfortable writing that.",
  'Unfortunately, we cannot in good conscience share personal details of other customers.',
]
const ANSWERS = [
  "I'm sorry to hear about your loss.",
  "I'm sorry, I need more information to understand what you're asking.",
  "I can't help but smile at this photo.",
  'I cannot recommend this restaurant enough.',
  'You cannot refuse a lawful inspection.',
  'The advantages of going to bed early cannot be overstated.',
  'Sure! As an AI, I can guide you through it.',
  'card_swallowed',
  "Don't share your PIN with anybody, we can't stress this enough.",
  'The store is closed, sorry. It opens again on Monday.',
  '',
]

test.each(REFUSALS)('%s is a refusal', (answer) => {
  expect(findRefusal(answer)).not.toBe(null)
})

test.each(ANSWERS)("'%s' is an answer", (answer) => {
  expect(findRefusal(answer)).toBe(null)
})

test('the rule is named, and only the beginning counts', () => {
  expect(findRefusal('I must decline.')).toBe('declines')
  expect(findRefusal(`${'A long story about a lock. '.repeat(12)} I cannot help you.`)).toBe(null)
})

import { expect, test } from 'vitest'
import { ItemScreen } from './item-screen.ts'

const reply = 'Your card is on its way and will reach you within two working days.'
const stock = 'I am sorry, but I cannot help you with that request today.'
const items = [
  { id: 'late', prompt: 'My card has not come after two weeks, where is it?', answer: reply },
  { id: 'tax', prompt: 'Do my taxes', answer: stock },
  { id: 'poem', prompt: 'Write my homework for me', answer: stock },
  { id: 'bill', prompt: 'Why was I charged twice?', answer: 'billing' },
  { id: 'open', prompt: 'Tell me something', answer: null },
]
const screen = new ItemScreen(items)

test('a row is found by its prompt and by its answer', () => {
  expect(screen.match({ prompt: 'why was I charged twice', answer: 'billing' })).toEqual([
    { id: 'bill', row: 'prompt', item: 'prompt', rungs: ['equal', 'near-copy', 'embedded'], share: 1 },
  ])
  expect(screen.match({ prompt: 'Hello?', answer: `Good news! ${reply}` })).toMatchObject([
    { id: 'late', row: 'answer', item: 'answer', share: 1 },
  ])
})

test('a prompt that stands in an answer, and an answer that stands in a prompt, are found', () => {
  const found = screen.match({
    prompt: `Is this true: ${reply}`,
    answer: `They asked: "${items[0]!.prompt}"`,
  })
  expect(found.map(({ id, row, item }) => [id, row, item])).toEqual([
    ['late', 'prompt', 'answer'],
    ['late', 'answer', 'prompt'],
  ])
})

test('labels and answers that several items share match nothing', () => {
  expect(screen.match({ prompt: 'Another question', answer: 'billing' })).toEqual([])
  expect(screen.match({ prompt: 'Another question', answer: stock })).toEqual([])
  expect(screen.match({ prompt: 'Another question', answer: 'Do my taxes' })).toEqual([])
  expect(screen.match({ prompt: 'Another question', answer: null })).toEqual([])
})

test('coverage counts what a rung cannot see, for prompts and for answers', () => {
  const coverage = screen.coverage()
  expect(coverage.find(({ rung, text }) => rung === 'shared-ngram' && text === 'prompt')).toEqual({
    rung: 'shared-ngram',
    text: 'prompt',
    words: 13,
    covered: 0,
    tooShort: 5,
    repeated: 0,
  })
  expect(coverage.find(({ rung, text }) => rung === 'embedded' && text === 'answer')).toEqual({
    rung: 'embedded',
    text: 'answer',
    words: 8,
    covered: 1,
    tooShort: 1,
    repeated: 2,
  })
  expect(
    new ItemScreen([{ id: 'a', prompt: 'Hi', answer: null }]).coverage().map(({ text }) => text),
  ).not.toContain('answer')
})

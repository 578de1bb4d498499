import { Random } from '@regraft/methods'
import { expect, test } from 'vitest'
import { QUEUES } from '../../packages/regraft/samples/support-desk/queues.ts'
import { normalise, wordRuns } from '../../packages/regraft/samples/support-desk/similarity.ts'
import {
  generateEvaluation,
  generateHeldout,
  generateTraffic,
  SYSTEM_PROMPT,
} from '../../packages/regraft/samples/support-desk/traffic.ts'
import { type CorpusDocument, generateCorpus } from './corpus.ts'
import { writeNote } from './corpus-notes.ts'
import { normaliseText } from './corpus-sources.ts'
import { TRADES } from './corpus-topics.ts'

const TEXTS = {
  documents: Array.from({ length: 20 }, (_, index) => ({
    source: 'novel' as const,
    text: `Page ${index} of a book. `.repeat(20),
  })),
  facts: [{ question: 'What is the capital of Austria?', passage: null, answer: 'Vienna' }],
}
const documents = [...generateCorpus(1, TEXTS, 800_000)]
const conversations = documents.flatMap((document) => ('messages' in document ? [document.messages] : []))

test('the corpus holds every text once, as much support mail as asked for, and every kind of task', () => {
  const texts = documents.flatMap((document) => ('text' in document ? [document.text] : []))
  expect([...texts].sort()).toEqual(TEXTS.documents.map((document) => document.text).sort())
  const characters = conversations.flat().reduce((sum, message) => sum + message.content.length, 0)
  expect(characters).toBeGreaterThanOrEqual(800_000)
  expect(characters).toBeLessThan(804_000)
  const kinds = new Set(documents.map((document) => document.kind))
  expect(kinds.size).toBe(15)
})

test('the same seed gives the same documents, another seed others', () => {
  const start = (seed: number) => {
    const first: CorpusDocument[] = []
    for (const document of generateCorpus(seed, TEXTS, 20_000)) first.push(document)
    return first
  }
  expect(start(5)).toEqual(start(5))
  expect(start(6)).not.toEqual(start(5))
})

test('a conversation alternates after an optional system message and ends with an answer', () => {
  for (const messages of conversations) {
    const roles = messages.map((message) => message.role)
    const turns = roles[0] === 'system' ? roles.slice(1) : roles
    expect(turns.length % 2).toBe(0)
    for (const [index, role] of turns.entries()) expect(role).toBe(index % 2 === 0 ? 'user' : 'assistant')
    for (const message of messages) expect(message.content).toMatch(/^\S(.*\S)?$/s)
  }
})

test('neither the prompt nor the answers of the sample task occur', () => {
  const queues = new Set<string>(QUEUES)
  const prompt = normalise(SYSTEM_PROMPT)
  for (const { role, content } of conversations.flat()) {
    if (role === 'assistant') expect(queues).not.toContain(normalise(content))
    expect(normalise(content)).not.toContain(prompt)
    expect(content).not.toMatch(/fernwell|\bqueue/i)
  }
  for (const label of TRADES.flatMap((trade) => trade.topics.flatMap((topic) => topic.labels))) {
    expect(queues).not.toContain(label)
  }
})

test('no eight words in a row are those of a ticket of the sample', () => {
  const options = { seed: 1 }
  const tickets = [
    ...generateTraffic(options).rows.map((row) => row.messages[1].content),
    ...generateEvaluation(options).map((item) => item.text),
    ...generateHeldout(options).map((item) => item.text),
  ]
  const runs = new Set(
    tickets
      .filter((text) => normalise(text).split(' ').length >= 8)
      .flatMap((text) => [...wordRuns(text, 8)]),
  )
  const found = conversations
    .flat()
    .flatMap((message) => [...wordRuns(message.content, 8)])
    .filter((run) => runs.has(run))
  expect(found).toEqual([])
})

test('an extracted answer stands in the note, and a topic is one of the trade that is asked', () => {
  const random = new Random(9)
  for (let index = 0; index < 300; index++) {
    const note = writeNote(random)
    expect(note.trade.topics).toContain(note.topic)
    for (const value of note.facts.values()) expect(note.clean.toLowerCase()).toContain(value.toLowerCase())
  }
  const extractions = documents.filter((document) => document.kind === 'extraction')
  for (const document of extractions) {
    if (!('messages' in document)) continue
    const answer = document.messages.findIndex((message) => message.role === 'assistant')
    expect(document.messages[answer - 1]!.content).toContain(document.messages[answer]!.content)
  }
})

test('public-domain text is reduced to plain quotes, dashes and spaces', () => {
  expect(normaliseText('\u201cIt\u2019s  he\u201d\u2014said\u00a0Ahab\u2026\r\nNext')).toBe(
    '"It\'s he" - said Ahab...\nNext',
  )
})

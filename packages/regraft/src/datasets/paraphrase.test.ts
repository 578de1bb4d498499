import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SealedLedger } from '../lineage/index.ts'
import { ResponseLedger } from '../lineage/ledger.ts'
import { requireEmbedder } from '../models/index.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { type ParaphrasePair, type ParaphraseScreen, rowsToDrop, screenParaphrases } from './paraphrase.ts'
import { openJudge } from './paraphrase-judge.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let project: ProjectStore
beforeAll(async () => {
  store = await openTestStore()
  project = store.project('paraphrase')
})
afterAll(async () => await store.close())

const ITEMS = [
  { id: 'card', text: 'where is my new card, it should have come on Monday' },
  { id: 'refund', text: 'I want my money back for the broken lamp' },
  { id: 'refund', text: 'of course, you get your money back within a week' },
]
const ROWS = [
  { id: 'near', texts: ['where is my new card? It should have come on Tuesday'] },
  { id: 'far', texts: ['how do I change my password'] },
  { id: 'answer', texts: ['hello', 'of course, you will get your money back within a week'] },
  { id: 'empty', texts: [] },
]

async function screen(changes: Partial<ParaphraseScreen> = {}) {
  const signal = new AbortController().signal
  const ledger = new SealedLedger(new ResponseLedger(project.responses), project.keys, 'vault/test')
  const embedder = await requireEmbedder({ embedders: {} }, 'built-in')
  return await screenParaphrases({
    items: ITEMS,
    rows: ROWS,
    embedder,
    threshold: 0.6,
    ledger,
    signal,
    ...changes,
  })
}

test('rows that resemble an item are listed with it, prompt or answer; all are counted by how near they are', async () => {
  const findings = await screen()
  expect(findings).toMatchObject({ items: 2, rows: 4, truncated: { items: 0, rows: 0 } })
  expect(findings.pairs.map(({ row, item }) => [row, item])).toEqual([
    ['near', 'card'],
    ['answer', 'refund'],
  ])
  expect(findings.histogram.reduce((sum, count) => sum + count)).toBe(4)
  expect(findings.histogram.slice(12).reduce((sum, count) => sum + count)).toBe(2)
  expect(JSON.stringify(findings)).not.toMatch(/money|Monday/)
})

test('a row in the thousandth page is compared like one in the first', async () => {
  async function* many() {
    for (let at = 0; at < 700; at++) yield { id: `r${at}`, texts: [`what number ${at} means`] }
    yield { id: 'last', texts: [ITEMS[0]!.text] }
  }
  const { pairs, rows } = await screen({ rows: many() })
  expect(rows).toBe(701)
  expect(pairs).toEqual([{ row: 'last', item: 'card', similarity: 1 }])
})

test('a judge confirms pairs by its fixed words; anything else cannot be told and is left out with the leaks', async () => {
  const bodies: { messages: { role: string; content: string }[] }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const body = JSON.parse(text)
      bodies.push(body)
      const { training } = JSON.parse(body.messages[1].content)
      const content = training.includes('Tuesday')
        ? 'LEAK.'
        : training.includes('hello')
          ? 'Well'
          : '**different**'
      response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const ledger = new SealedLedger(new ResponseLedger(project.responses), project.keys, 'vault/test')
    const settings = { url: `http://127.0.0.1:${port}/v1/`, model: 'judge' }
    const judge = openJudge(settings, ledger, new AbortController().signal)
    const rows = [...ROWS, { id: 'odd', texts: [`hello, ${ITEMS[1]!.text}`] }]
    const { pairs } = await screen({ rows, judge })
    expect(pairs.map(({ row, verdict }) => [row, verdict])).toEqual([
      ['near', 'leak'],
      ['answer', 'different'],
      ['odd', 'cannot-tell'],
    ])
    expect([...rowsToDrop(pairs).keys()]).toEqual(['near', 'odd'])
    expect(bodies[0]!.messages[0]!.content).toMatch(/follow no instruction/)
    await screen({ rows, judge })
    expect(bodies).toHaveLength(3)
  } finally {
    server.close().closeAllConnections()
  }
})

test('a row is dropped for the leak among its pairs', () => {
  const pair = (item: string, verdict: ParaphrasePair['verdict']) => ({
    row: 'r',
    item,
    similarity: 0.9,
    verdict: verdict!,
  })
  const pairs = [pair('a', 'different'), pair('b', 'cannot-tell'), pair('c', 'leak')]
  expect(rowsToDrop(pairs).get('r')!.item).toBe('c')
  expect(rowsToDrop(pairs.slice(0, 1)).size).toBe(0)
})

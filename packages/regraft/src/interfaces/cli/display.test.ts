import { expect, test } from 'vitest'
import { createProgress } from './progress.ts'
import { renderOutput } from './render.ts'
import { parseServerEvents } from './server-events.ts'

test('server-sent events are the same however the bytes are cut', async () => {
  const text =
    ': keep-alive\n\nid: 1\nevent: progress\ndata: {"stage":"ü"}\n\r\ndata: a\r\ndata: b\r\n\r\nevent: lost\ndata: x'
  const bytes = new TextEncoder().encode(text)
  for (const size of [1, 2, 3, 7, bytes.length]) {
    async function* chunks() {
      for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size)
    }
    const events = []
    for await (const event of parseServerEvents(chunks())) events.push(event)
    expect(events, `${size} bytes at a time`).toEqual([
      { id: '1', event: 'progress', data: '{"stage":"ü"}' },
      { id: '1', event: 'message', data: 'a\nb' },
    ])
  }
})

test('where lines cannot be replaced, a stage prints its first and its last line and one every ten seconds', () => {
  const lines: string[] = []
  let now = 0
  const terminal = { json: false, print() {}, note: (text: string) => void lines.push(text), status: null }
  const progress = createProgress(terminal, () => now)
  for (let done = 0; done <= 100; done++) {
    now = done * 250
    progress.show({ stage: 'train', done, total: 100, unit: 'updates', metrics: { loss: 1 / (done + 1) } })
  }
  progress.show({ stage: 'save' })
  progress.end()
  expect(lines).toEqual([
    'train  0/100 updates (0 %)  loss 1',
    'train  40/100 updates (40 %)  loss 0.02439  15 s left',
    'train  80/100 updates (80 %)  loss 0.01235  5 s left',
    'train  100/100 updates (100 %)  loss 0.009901',
    'save',
  ])
})

test('a metric with its last values is followed by their curve', () => {
  const lines: string[] = []
  const progress = createProgress({ note: (text: string) => void lines.push(text), status: null })
  const recent = { loss: Array.from({ length: 32 }, (_, i) => 32 - i) }
  progress.show({ stage: 'train', metrics: { loss: 1, 'tokens/s': 5 }, recent })
  progress.show({ stage: 'next', metrics: { loss: 2 }, recent: { loss: [2, 2] } })
  expect(lines).toEqual(['train  loss 1 ██▇▇▆▆▅▅▄▄▃▃▂▂▁▁  tokens/s 5', 'next  loss 2 ▁▁'])
})

test('any output is readable: fields, tables, nested records, empty lists', () => {
  expect(renderOutput({ rows: 12, validationLoss: 0.123456789, note: null, tags: ['a', 'b'] })).toBe(
    'rows             12\nvalidation loss  0.123457\nnote             –\ntags             a, b',
  )
  expect(renderOutput({ adapters: [] })).toBe('no adapters')
  expect(
    renderOutput({
      adapters: [
        { name: 'a', size: 1 },
        { name: 'long', size: 22 },
      ],
    }),
  ).toBe('name  size\na     1\nlong  22')
  expect(renderOutput({ total: 1, parts: [{ name: 'a' }] })).toBe('total  1\nparts:\n  name\n  a')
})

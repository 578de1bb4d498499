import { expect, test } from 'vitest'
import { screenRows } from './screen-rows.ts'

const label = 'balance not updated after cheque or cash deposit'
const items = [{ id: 'a', prompt: 'Where did my money go after I paid it in?', answer: label }]

test('an answer that many rows give is a label, and no evidence of a leak', async () => {
  const rows = (count: number) =>
    Array.from({ length: count }, (_, number) => ({ number, prompt: `question ${number}`, answer: label }))
  const few = await screenRows(rows(3), items)
  expect(few).toMatchObject({ rows: 3, stock: 0 })
  expect(few.found.map(({ row, overlaps }) => [row.number, overlaps[0]!.row])).toEqual([
    [0, 'answer'],
    [1, 'answer'],
    [2, 'answer'],
  ])
  expect(await screenRows(rows(10), items)).toEqual({ rows: 10, found: [], stock: 10 })
  // The prompt still counts.
  const leak = { number: 99, prompt: items[0]!.prompt, answer: label }
  const { found, stock } = await screenRows([...rows(10), leak], items)
  expect(stock).toBe(10)
  expect(found).toMatchObject([{ row: { number: 99 }, overlaps: [{ row: 'prompt' }] }])
})

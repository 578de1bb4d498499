import { Random } from '@regraft/methods'
import { expect, test } from 'vitest'
import { workOnTexts } from './text-pool.ts'

const random = new Random(3, 'pool')
const sentence = () => Array.from({ length: 12 }, () => `word${random.integer(300)}`).join(' ')
const items = Array.from({ length: 20 }, (_, index) => ({
  id: `i${index}`,
  prompt: sentence(),
  answer: null,
}))
const rows = Array.from({ length: 5200 }, (_, number) => {
  return { number, prompt: number % 500 === 7 ? items[number % 20]!.prompt : sentence(), answer: null }
})
const work = { duplicates: {}, screen: { items } }

async function collect(source: typeof rows | AsyncIterable<(typeof rows)[number]>) {
  const numbers: number[] = []
  const overlaps: [number, string][] = []
  const keys: number[] = []
  for await (const batch of workOnTexts(source, work, { threads: 2 })) {
    for (const { number } of batch.rows) numbers.push(number)
    keys.push(...batch.sketch!.keys, batch.sketch!.shingles.length, batch.sketch!.bandKeys.at(-1)!)
    for (const { index, overlaps: found } of batch.overlaps)
      overlaps.push([batch.first + index, found[0]!.id])
  }
  return { numbers, overlaps, keys }
}

test('threads give what one thread gives, in the order of the rows', async () => {
  const pooled = await collect(rows)
  expect(pooled.numbers).toEqual(rows.map(({ number }) => number))
  expect(pooled.overlaps).toEqual(
    rows.filter(({ number }) => number % 500 === 7).map(({ number }) => [number, `i${number % 20}`]),
  )
  const inline = await collect(rows.slice(0, 3000))
  expect(pooled.keys.slice(0, inline.keys.length)).toEqual(inline.keys)
})

test('a failing source and a cancelled job end the pool', async () => {
  async function* failing() {
    yield* rows
    throw new Error('line 5201 is broken')
  }
  await expect(collect(failing())).rejects.toThrow('line 5201 is broken')
  const controller = new AbortController()
  const cancelled = (async () => {
    for await (const _ of workOnTexts(rows, work, { signal: controller.signal, threads: 1 }))
      controller.abort()
  })()
  await expect(cancelled).rejects.toThrow(/abort/i)
})

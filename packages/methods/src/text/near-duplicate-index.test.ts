import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { NearDuplicateIndex, Sketcher } from './near-duplicate-index.ts'
import { shingler } from './shingles.ts'

function allPairs(texts: string[], options: { threshold?: number; seed?: number } = {}): Map<string, number> {
  const batch = new Sketcher(options).sketch(texts)
  const index = new NearDuplicateIndex(options)
  const pairs = new Map<string, number>()
  for (let row = 0; row < texts.length; row++) {
    for (const { position, similarity } of index.find(batch, row)) {
      pairs.set(`${position} ${row}`, similarity)
    }
    expect(index.add(batch, row)).toBe(row)
  }
  return pairs
}

/** All pairs at or above the threshold, by counting what every two texts have in common. */
function truth(texts: string[], threshold: number): Map<string, number> {
  const take = shingler()
  const holders = new Map<number, number[]>()
  const sizes: number[] = []
  const pairs = new Map<string, number>()
  const common = new Int32Array(texts.length)
  for (const [row, text] of texts.entries()) {
    const { shingles } = take(text)
    sizes.push(shingles.length)
    const sharing: number[] = []
    for (const shingle of shingles) {
      const rows = holders.get(shingle) ?? []
      for (const other of rows) {
        if (common[other] === 0) sharing.push(other)
        common[other]!++
      }
      if (rows.push(row) === 1) holders.set(shingle, rows)
    }
    for (const other of sharing) {
      const similarity = common[other]! / (sizes[other]! + shingles.length - common[other]!)
      if (similarity >= threshold) pairs.set(`${other} ${row}`, similarity)
      common[other] = 0
    }
  }
  return pairs
}

function sentences(count: number, seed: number): string[] {
  const random = new Random(seed, 'sentences')
  const word = () => `w${random.integer(400)}`
  const texts: string[] = []
  for (let index = 0; index < count; index++) {
    const list = Array.from({ length: 3 + random.integer(25) }, word)
    texts.push(list.join(' '))
    if (random.integer(3) > 0) continue
    list[random.integer(list.length)] = word()
    texts.push(list.join(' '))
  }
  return texts
}

test.each([0.5, 0.7, 0.9])(
  'at the threshold %d at least 95 in 100 of the true pairs are found and no other',
  (threshold) => {
    const texts = sentences(1200, 1)
    const [expected, found] = [truth(texts, threshold), allPairs(texts, { threshold })]
    expect(expected.size).toBeGreaterThan(10)
    for (const [pair, similarity] of found) expect(similarity).toBe(expected.get(pair))
    expect(found.size).toBeGreaterThanOrEqual(0.95 * expected.size)
  },
)

test('more texts than fit the first tables lose no pair', () => {
  const texts = Array.from({ length: 20_000 }, (_, index) => `a${index} b${index} c${index}`)
  const batch = new Sketcher().sketch(texts)
  const index = new NearDuplicateIndex()
  for (let row = 0; row < texts.length; row++) index.add(batch, row)
  for (const row of [0, 1, 16_383, 16_384, 19_999]) {
    expect(index.find(batch, row)).toEqual([{ position: row, similarity: 1 }])
  }
})

const FOLDER = process.env.BANKING77 ?? join(import.meta.dirname, '../../../../../shared/data/banking77')
const missing = existsSync(join(FOLDER, 'train.csv'))
  ? ''
  : ' (skipped: no banking77 in the shared data folder)'

test.skipIf(missing !== '')(`the 415 true pairs of banking77 are found, with no false one${missing}`, () => {
  const rows = parse<{ text: string }>(readFileSync(join(FOLDER, 'train.csv')), { columns: true })
  const texts = rows.map(({ text }) => text)
  expect(texts).toHaveLength(10_003)
  const [expected, found] = [truth(texts, 0.7), allPairs(texts)]
  // 415: counted in Python with re.findall(r'\w+') and sets of bigrams.
  expect(expected.size).toBe(415)
  for (const [pair, similarity] of found) expect(similarity).toBe(expected.get(pair))
  expect(found.size).toBeGreaterThanOrEqual(0.95 * 415)
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { compareOperation } from './compare.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-compare-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, lines: readonly unknown[]): string {
  const path = join(folder, name)
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
  writeFileSync(path, text)
  return path
}

async function run(a: string, b: string, options: Record<string, unknown> = {}) {
  // What an offline operation may use.
  const context = { config: Config.parse({}), principal: { id: 'local', scopes: ['admin'] } }
  const input = compareOperation.input.parse({ a, b, ...options })
  return await compareOperation.run(context as unknown as OperationContext, input)
}

const items = (right: (i: number) => boolean) =>
  Array.from({ length: 300 }, (_, i) => ({ id: `${i}`, correct: right(i), slice: i % 3 ? 'chat' : 'phone' }))

test('two files of right and wrong: what was asked decides, the other questions are answered beside it', async () => {
  const old = file(
    'old.jsonl',
    items((i) => i % 10 > 2),
  )
  const same = file(
    'same.jsonl',
    items((i) => (i % 10 > 2 && i !== 4) || i === 12),
  )
  const better = file(
    'better.jsonl',
    items((i) => i % 10 > 0),
  )
  const gain = await run(better, old)
  expect(gain.verdict).toMatchObject({ outcome: 'pass', title: 'better than old.jsonl', n: 300 })
  const equal = await run(same, old, { margin: 0.03 })
  expect(equal.verdict).toMatchObject({ outcome: 'pass', title: 'no worse than old.jsonl' })
  expect(equal.others.map(({ title, outcome }) => [title, outcome])).toEqual([
    ['better than old.jsonl', 'cannot-tell'],
    ['as good as old.jsonl, either way', 'pass'],
  ])
  expect(compareOperation.outcome!(equal)).toBe('pass')
  expect(compareOperation.render!(equal, { colour: false, width: 80 })).toMatch(
    /about \d+ items would settle it/,
  )
})

test('a slice that lost is named, and fails where it was declared critical', async () => {
  const old = file(
    'old.jsonl',
    items((i) => i % 10 > 1),
  )
  const worse = file(
    'worse.jsonl',
    items((i) => i % 10 > 1 && !(i % 3 === 0 && i % 2 === 0)),
  )
  const found = await run(worse, old, { margin: 0.05, critical: ['slice=phone'] })
  expect(found.verdict.outcome).toBe('fail')
  expect(found.verdict.slices!.filter(({ regressed }) => regressed).map(({ slice }) => slice)).toEqual([
    'slice=phone',
  ])
  await expect(run(worse, old, { critical: ['slice=fax'] })).rejects.toThrow(/'slice=fax'/)
})

test('graded scores, clusters and CSV are read too; items of one file only are counted', async () => {
  const graded = (gain: number) =>
    Array.from(
      { length: 90 },
      (_, i) => `${i},${(0.3 + ((i * 7) % 10) / 20 + gain * (1 + (i % 3))).toFixed(3)},u${i % 45}`,
    )
  const a = file('a.csv', ['id,score,cluster', ...graded(0.03), 'extra,1,u9'])
  const b = file('b.csv', ['id,score,cluster', ...graded(0)])
  const { verdict, unpaired } = await run(a, b)
  expect(unpaired).toEqual({ a: 1, b: 0 })
  expect(verdict.reason).toContain(
    'left out are 1 items that only the first file has and 0 that only the second has',
  )
  expect(verdict).toMatchObject({ outcome: 'pass', unit: 'mean score', n: 90 })
  expect(verdict.interval!.method).toMatch(/^45 clusters/)
})

test('right and wrong is not compared with scores of another unit; a base whose scores are all 0 is no such file', async () => {
  const numbers = Array.from({ length: 60 }, (_, i) => i)
  const percents = file(
    'percents.jsonl',
    numbers.map((i) => ({ id: i, score: (i * 7) % 100 })),
  )
  const right = file(
    'right.jsonl',
    numbers.map((i) => ({ id: i, correct: i % 3 > 0 })),
  )
  const zeros = file(
    'zeros.jsonl',
    numbers.map((i) => ({ id: i, score: 0 })),
  )
  await expect(run(percents, right, { margin: 5 })).rejects.toThrow(
    'right.jsonl says what is correct and percents.jsonl gives scores',
  )
  const { verdict } = await run(percents, zeros)
  expect(verdict).toMatchObject({ outcome: 'pass', unit: 'mean score' })
  expect(verdict.power!.alternative).toBe('0.02 better †')
})

test('what cannot be read is named with its line', async () => {
  const good = file(
    'good.jsonl',
    items(() => true),
  )
  const cases: [string, unknown[], RegExp][] = [
    [
      'twice.jsonl',
      [
        { id: 'a', correct: true },
        { id: 'a', correct: true },
      ],
      /line 2: the id a stands in line 1/,
    ],
    ['none.jsonl', [{ id: 'a' }], /line 1: expected either correct/],
    ['broken.jsonl', ['{"id": "a"'], /line 1: column \d+: expected/],
    ['word.csv', ['id,correct', 'a,perhaps'], /line 2: correct: expected true or false/],
    ['unnamed.csv', ['key,correct', 'a,true'], /line 2: id: it is missing/],
    ['text.jsonl', [{ id: 'a', score: '0.5' }], /line 1: score: expected a number/],
    ['empty.jsonl', [], /has no items/],
    ['other.jsonl', [{ id: 'x', correct: true }], /no item in common/],
  ]
  for (const [name, lines, message] of cases)
    await expect(run(file(name, lines), good)).rejects.toThrow(message)
  await expect(run(join(folder, 'gone.jsonl'), good)).rejects.toThrow(/not a file/)
})

// "About so many more items would settle it": the evaluation file grows, is sealed again, and the adapter that was trained
// before is judged on all of it, through the real command line. One that has learned an added item is not.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { Verdict } from '../../packages/regraft/src/verdict/index.ts'
import { CliProcess, runJson } from '../cli-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-grown-'))
const home = join(folder, 'home')
const WORDS = ['card', 'error', 'other', 'there', 'where']
const LEAK = 'where is the card number 4'

beforeAll(() => {
  mkdirSync(home)
  writePicoBase(join(folder, 'pico'))
  writeFileSync(
    join(home, 'regraft.yaml'),
    'bases:\n  pico: { path: ../pico }\ngates: { sequential: true }\n',
  )
  const rows = WORDS.flatMap((word) =>
    Array.from({ length: 8 }, (_, index) => `where is the ${word} number ${index},${word}\n`),
  )
  writeFileSync(join(home, 'rows.csv'), `text,label\n${rows.join('')}`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = <T>(...args: string[]) => runJson<T>(home, args)
const item = (index: number) => `the zebra ate my card at harbour ${index} of ${index * 7},card`
const items = (count: number) => Array.from({ length: count }, (_, index) => item(index))

async function seal(lines: string[]): Promise<string> {
  writeFileSync(join(home, 'evaluation.csv'), `text,label\n${lines.join('\n')}\n`)
  const columns = ['--text', 'text', '--label', 'label']
  return (await run<{ suite: string }>('datasets', 'seal', 'evaluation.csv', '--as', 'desk', ...columns))
    .suite
}

async function train(): Promise<string> {
  await run('datasets', 'build', '--consent', 'made up', '--evaluation', 'desk')
  const training = ['--base', 'pico', '--rank', '2', '--epochs', '2', '--batch-size', '8', '--threads', '1']
  return (await run<{ adapter: string }>('training', 'run', ...training)).adapter
}

interface Checked {
  suite: string
  record: string
  verdict: Verdict
}
const onDesk = ['gates', 'check', '--evaluation', 'desk']
const purposes = async () => {
  const { queries } = await run<{ queries: { purpose: string }[] }>('vault', 'queries', 'desk')
  return queries.map(({ purpose }) => purpose)
}

test('an adapter is judged again on the suite that has grown, unless it has learned from what was added', async () => {
  await run('import', 'rows.csv', '--text', 'text', '--label', 'label')
  const small = await seal(items(12))
  await train()
  const first = await run<Checked>('gates', 'check')
  expect(first.suite).toBe(small)
  expect(first.verdict.reason).toMatch(/look 1 of a gate that may be judged repeatedly/)
  expect(first.verdict).toMatchObject({ outcome: 'cannot-tell', needed: expect.any(Number) })

  const large = await seal(items(40))
  const unasked = await new CliProcess(home, ['gates', 'check', '--json']).ended
  expect(JSON.parse(unasked.stdout).record).toBe(first.record)
  expect(unasked.stderr).toContain('it had 12 items, and has 40; --evaluation desk judges on them')
  const second = await run<Checked>(...onDesk)
  expect(second.suite).toBe(large)
  expect(second.verdict).toMatchObject({ n: 40, parts: [{ n: 40 }, { outcome: 'pass', n: 40 }] })
  expect(second.verdict.reason).toMatch(/look 2 of a gate that may be judged repeatedly/)
  expect(second.verdict.parts![0]!.interval!.method).toMatch(/at all looks together/)
  expect(second.verdict.parts![1]!.reason).toMatch(
    /40 rows were compared with its 40 items, 28 of them new; 0 rows resemble/,
  )
  // By an embedder and by the rungs; then adapter and base. Asked again, everything is known.
  const asked = await purposes()
  expect(asked.slice(-4)).toEqual(['screen', 'screen', 'evaluate', 'evaluate'])
  expect((await run<Checked>(...onDesk)).record).toBe(second.record)
  expect(await purposes()).toEqual(asked)

  await seal([...items(40), `${LEAK.toUpperCase()}!,card`])
  const refused = await new CliProcess(home, [...onDesk, '--json']).ended
  expect(refused.code).toBe(6)
  const said = refused.stdout + refused.stderr
  expect(said).toMatch(
    /1 of the 40 rows of its snapshot hold items of it: [0-9a-f-]{36} \(line 6 of rows\.csv\)/,
  )
  expect(said).toContain('regraft datasets build --evaluation desk leaves these rows out; then train again')
  expect(said).not.toMatch(/where is the card|zebra/i)
  expect((await purposes()).slice(-1)).toEqual(['screen'])

  const retrained = await train()
  const third = await run<Checked & { adapter: string }>(...onDesk)
  expect(third).toMatchObject({ adapter: retrained, verdict: { n: 41 } })
  expect(third.verdict.parts).toHaveLength(1)
}, 300_000)

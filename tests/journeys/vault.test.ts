// A suite from the file to the gap, through the real command line, in two projects with keys of their own: nothing of its
// text is left readable, the log tells all that was asked, and the weights do not depend on the keys.
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { AdapterRecord } from '../../packages/regraft/src/models/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import type { Verdict } from '../../packages/regraft/src/verdict/index.ts'
import { runJson } from '../cli-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-vault-'))
const SECRET = 'the zebra ate my card at the harbour'
const WORDS = ['card', 'error', 'other', 'there', 'where']

/** What the first test leaves for the second. */
let first: { home: string; built: Built; adapter: string }

beforeAll(() => writePicoBase(join(folder, 'pico')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function prepare(name: string): string {
  const home = join(folder, name)
  mkdirSync(home)
  writeFileSync(join(home, 'regraft.yaml'), 'bases:\n  pico: { path: ../pico }\nvault: { evaluations: 2 }\n')
  const rows = WORDS.flatMap((word, month) =>
    Array.from({ length: 10 }, (_, day) => {
      return `where is the ${word} number ${day},${word},2026-0${month + 1}-${String(day + 1).padStart(2, '0')}T12:00:00Z\n`
    }),
  )
  writeFileSync(join(home, 'rows.csv'), `text,label,time\n${rows.join('')}`)
  const items = Array.from({ length: 12 }, (_, index) => `${SECRET} ${index},card\n`)
  writeFileSync(join(home, 'evaluation.csv'), `text,label\n${items.join('')}`)
  return home
}

interface Built {
  snapshot: string
  suite: { digest: string }
  fresh: { digest: string; name: string; items: number }
}

async function cycle(home: string) {
  const run = <T>(...args: string[]) => runJson<T>(home, args)
  await run('import', 'rows.csv', '--text', 'text', '--label', 'label', '--time', 'time')
  await run('datasets', 'seal', 'evaluation.csv', '--as', 'desk', '--text', 'text', '--label', 'label')
  const building = ['--fresh', '0.2', '--embedder', 'none', '--consent', 'made up']
  const built = await run<Built>('datasets', 'build', ...building)
  const training = ['--base', 'pico', '--rank', '2', '--epochs', '2', '--batch-size', '8', '--threads', '1']
  const { adapter } = await run<{ adapter: string }>('training', 'run', ...training)
  return { run, built, adapter }
}

test('a suite is sealed, screened against, measured, looked at, exported, and counted all along', async () => {
  const home = prepare('one')
  const { run, built, adapter } = await cycle(home)
  first = { home, built, adapter }
  expect(built.fresh).toMatchObject({ name: 'fresh/all/2026-05-10', items: 10 })
  rmSync(join(home, 'evaluation.csv'))
  expect(readable(home, SECRET)).toEqual([])

  const gap = await run<{ verdict: Verdict; fresh: { suite: string } }>('gates', 'gap')
  expect(gap.verdict).toMatchObject({
    outcome: expect.any(String),
    n: 22,
    evidence: [/./, /./].map(() => expect.any(String)),
  })
  expect(gap.fresh.suite).toBe(built.fresh.digest)
  // Answered from the cache, so nothing is asked again.
  expect((await run<typeof gap>('gates', 'gap')).verdict).toEqual(gap.verdict)
  const fresh = ['gates', 'check', '--evaluation', built.fresh.name]
  expect((await run<{ suite: string }>(...fresh)).suite).toBe(built.fresh.digest)

  const { items } = await run<{ items: { id: string }[] }>('gates', 'show', gap.verdict.evidence[0]!)
  const reveal = ['vault', 'reveal', 'desk', '--item', items[0]!.id, '--reason', 'always wrong']
  const revealed = await run<{ messages: { content: string }[]; counting: number }>(...reveal)
  expect(revealed.messages.at(-1)!.content).toContain(SECRET)
  expect(revealed.counting).toBe(11)
  // Without the burned item the model has to answer again, and then the budget of two is used up.
  expect((await run<typeof gap>('gates', 'gap')).verdict.n).toBe(21)
  const more = [...['vault', 'reveal', 'desk', '--item', items[1]!.id, '--reason', 'another one']]
  await run(...more)
  await expect(run('gates', 'gap')).rejects.toThrow(
    /'desk' has been evaluated on 2 times, and its budget is 2/,
  )

  const taken = await run<{ items: number; out: { text: string } }>(
    ...['vault', 'export', 'desk', '--reason', 'a copy elsewhere', '--out', 'desk.jsonl'],
  )
  expect(taken).toMatchObject({ items: 12, out: { text: '' } })
  const file = join(home, 'desk.jsonl')
  expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(12)
  expect(statSync(file).mode & 0o077).toBe(0)
  rmSync(file)
  expect(readable(home, SECRET)).toEqual([])
  const { queries } = await run<{ queries: { purpose: string; principal: string; details: object }[] }>(
    ...['vault', 'queries', 'desk'],
  )
  expect(queries.map(({ purpose }) => purpose)).toEqual([
    ...['screen', 'evaluate', 'show', 'evaluate', 'show', 'export'],
  ])
  expect(queries[0]!.details).toMatchObject({ snapshot: built.snapshot })
  expect(queries[1]!.details).toMatchObject({ adapter })
  expect(await run('vault', 'show', 'desk')).toMatchObject({ items: 12, counting: 10, burned: 2, exports: 1 })
}, 300_000)

test('suites and snapshots are of one project, the weights are the same in every one', async () => {
  const other = prepare('two')
  const { built, adapter } = await cycle(other)
  expect(built.suite.digest).not.toBe(first.built.suite.digest)
  expect(built.snapshot).not.toBe(first.built.snapshot)
  const weights = await weightsOf(other, adapter)
  expect(weights).toHaveLength(1)
  expect(weights).toEqual(await weightsOf(first.home, first.adapter))
}, 300_000)

async function weightsOf(home: string, adapter: string): Promise<string[]> {
  const store = await openStore({ dataDirectory: join(home, '.regraft') })
  try {
    const { files } = await store.project('default').artifacts.read<AdapterRecord>(adapter)
    return files.filter(({ path }) => path.endsWith('.safetensors')).map(({ digest }) => digest)
  } finally {
    await store.close()
  }
}

/** Files of the data directory in which a text can be read. */
function readable(home: string, text: string): string[] {
  const paths = globSync('.regraft/**', { cwd: home }).filter((path) => statSync(join(home, path)).isFile())
  expect(paths.length).toBeGreaterThan(20)
  return paths.filter((path) => readFileSync(join(home, path)).includes(text))
}

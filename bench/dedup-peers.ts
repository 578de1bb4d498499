// Rows per second and recall of near duplicates beside Python's datasketch and datatrove, in interleaved rounds on the same
// synthetic rows with planted near duplicates (see synthetic-rows.ts). All three: word bigrams, 26 bands of 5.
//
//   node bench/dedup-peers.ts [--rows 50000] [--rounds 3] [--python .cache/dedup-venv/bin/python]
//
// Without the environment it is made once: python3 -m venv, and pip install of the versions below.
import { execFileSync, type StdioOptions } from 'node:child_process'
import { createReadStream, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuplicateFinder, jaccard, median, shingler } from '@regraft/methods'
import { readPlainRows } from '../packages/regraft/src/datasets/plain-rows.ts'
import { workOnTexts } from '../packages/regraft/src/datasets/text-pool.ts'
import { describeMachine, describeRuns } from './measure.ts'
import { syntheticRows } from './synthetic-rows.ts'

const PACKAGES = ['datasketch==2.0.0', 'datatrove[processing]==0.10.1', 'orjson']
const PYTHON = 'python3'
const THRESHOLD = 0.7
const QUIET = { stdio: ['ignore', 'pipe', 'ignore'] } satisfies { stdio: StdioOptions }

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '50000' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string', default: '.cache/dedup-venv/bin/python' },
    own: { type: 'string' },
  },
})

interface Run {
  seconds: number
  cpuSeconds: number
  dropped: number[]
}

if (values.own) console.log(JSON.stringify(await deduplicate(values.own)))
else await compare()

async function compare(): Promise<void> {
  const python = setUp(values.python)
  const count = Number(values.rows)
  const folder = mkdtempSync(join(tmpdir(), 'regraft-peers-'))
  const path = join(folder, 'rows.jsonl')
  const rows = [...syntheticRows(count, 7, 0.1)]
  writeFileSync(path, rows.map(({ text }, id) => `${JSON.stringify({ id, text })}\n`).join(''))
  const { pairs, alike } = truth(rows)
  console.log(describeMachine())
  console.log(`${count} rows of about 60 words, ${pairs.length} planted pairs at a Jaccard from ${THRESHOLD}`)
  const peer = (name: string) => (round: number) =>
    execFileSync(python, [script('dedup_peers.py'), name, path, join(folder, `${name}-${round}`)], QUIET)
  const variants: Record<string, (round: number) => Buffer> = {
    Regraft: () => execFileSync(process.execPath, [script('dedup-peers.ts'), '--own', path]),
    datasketch: peer('datasketch'),
    datatrove: peer('datatrove'),
  }
  const runs = new Map<string, Run[]>(Object.keys(variants).map((name) => [name, []]))
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [name, run] of Object.entries(variants)) {
        const figures = JSON.parse(String(run(round))) as Run
        runs.get(name)!.push(figures)
        console.log(`round ${round + 1}, ${name}: ${Math.round(count / figures.seconds)} rows/s`)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const speed = (name: string, per: 'seconds' | 'cpuSeconds') =>
    runs.get(name)!.map((run) => count / run[per])
  for (const name of runs.keys()) {
    const dropped = new Set(runs.get(name)![0]!.dropped)
    const found = pairs.filter(([copy, of]) => dropped.has(copy) || dropped.has(of)).length
    const wrong = [...dropped].filter((row) => !alike.has(row)).length
    console.log(
      `${name}: ${describeRuns(speed(name, 'seconds'))} rows/s, ${describeRuns(speed(name, 'cpuSeconds'))} rows per CPU second; ` +
        `${found} of ${pairs.length} pairs (${((100 * found) / pairs.length).toFixed(2)} %), ${wrong} of ${dropped.size} dropped rows resemble no other from ${THRESHOLD}`,
    )
    if (name === 'Regraft') continue
    const ratio = (per: 'seconds' | 'cpuSeconds') => median(speed('Regraft', per)) / median(speed(name, per))
    console.log(
      `  Regraft is ${ratio('seconds').toFixed(1)} times as fast, ${ratio('cpuSeconds').toFixed(1)} times per CPU second`,
    )
  }
}

/** The pipeline of `datasets dedup`; imports are not counted, the start of threads is. */
async function deduplicate(path: string): Promise<Run> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const options = { threshold: THRESHOLD, seed: 1 }
  const finder = new DuplicateFinder(options)
  const dropped: number[] = []
  const rows = readPlainRows(createReadStream(path), 'rows.jsonl')
  for await (const { first, rows: batch, sketch } of workOnTexts(rows, { duplicates: options })) {
    for (const index of batch.keys()) if (finder.next(sketch!, index)) dropped.push(first + index)
  }
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, dropped }
}

/** The planted pairs from the threshold on, and the rows that resemble another one made from the same original. */
function truth(rows: { text: string; of: number | null; similarity: number | null }[]) {
  const families = new Map<number, number[]>()
  for (const [row, { of }] of rows.entries()) {
    if (of !== null) families.set(of, [...(families.get(of) ?? [of]), row])
  }
  const take = shingler()
  const alike = new Set<number>()
  for (const family of families.values()) {
    const sets = family.map((row) => take(rows[row]!.text).shingles)
    for (const [at, row] of family.entries()) {
      if (sets.some((other, index) => index !== at && jaccard(sets[at]!, other) >= THRESHOLD)) alike.add(row)
    }
  }
  const pairs = rows.flatMap(({ of, similarity }, row): [number, number][] =>
    of !== null && similarity! >= THRESHOLD ? [[row, of]] : [],
  )
  return { pairs, alike }
}

function setUp(python: string): string {
  if (!existsSync(python)) {
    const folder = join(python, '../..')
    execFileSync(PYTHON, ['-m', 'venv', folder], { stdio: 'inherit' })
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { stdio: 'inherit' })
  }
  return python
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
